import { expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const world = eachTest(startOperatorWorld);

const check = (...words: string[]) => runProgram(['check-warehouse', ...words], world.context);

test('all yes: 0, and a warning below its line', async () => {
  world.answerChecks({
    checks: [
      { check: 'secret', verdict: 'yes', finding: 'a key pair, 92 days old', warning: 'older than 80 days: rotate it' },
      { check: 'login', verdict: 'yes', finding: '310 ms' },
    ],
  });
  expect(await check()).toBe(0);
  expect(world.checked).toEqual([{}]);
  expect(world.printed()).toBe(`The warehouse responds as it should (checked from stage local)

secret  yes  a key pair, 92 days old
             warning: older than 80 days: rotate it
login   yes  310 ms`);
});

test('a no, with its remedy, and a check that was not made: 1', async () => {
  const login = { check: 'login', verdict: 'no', finding: 'it failed (code 390144)', remedy: 'another key' } as const;
  const role = { check: 'role', verdict: 'not_made', finding: 'not made, because of login' } as const;
  world.answerChecks({ checks: [login, role] });
  expect(await check()).toBe(1);
  expect(world.printed()).toBe(`The warehouse does not respond as it should (checked from stage local)

login  no  it failed (code 390144)
           remedy: another key
role   -   not made, because of login`);
  expect(await check('--json')).toBe(1);
  expect(world.printed()).toContain(JSON.stringify({ stage: 'local', checks: [login, role] }));
  world.answerChecks({ checks: [role] });
  expect(await check()).toBe(1);
});

test('a sample goes to the function; each difference has one line, whatever a course key holds', async () => {
  const differences = ['user 1 in a\nb of c: expected 1 s', 'user 2 in c of d: expected 1 s'];
  world.answerChecks({ checks: [{ check: 'sample', verdict: 'no', finding: '2 of 2 differ', differences }] });
  const header = 'user_id,course_id,enterprise_customer_uuid,total_seconds';
  expect(await check('--sample', world.file('sums.csv', `${header}\n1,c,e,18540\n`))).toBe(1);
  const sum = { user_id: '1', course_id: 'c', enterprise_customer_uuid: 'e', total_seconds: 18_540 };
  expect(world.checked).toEqual([{ sample: [sum] }]);
  expect(world.printed()).toMatch(/\n +user 1 in a b of c: expected 1 s\n +user 2 in c of d: expected 1 s$/);
});

test('a report without checks is refused', async () => {
  world.answerChecks({ checks: [] });
  await expect(check()).rejects.toThrow(/cannot read/);
});
