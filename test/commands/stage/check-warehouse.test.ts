import { beforeEach, describe, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/program.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const HEADER = 'user_id,course_id,enterprise_customer_uuid,total_seconds';
const world = eachTest(startOperatorWorld);

const check = (...words: string[]) => runProgram(['check-warehouse', ...words], world.context);

describe('what the function says', () => {
  const yes = (check: 'secret' | 'login', finding: string) => ({ check, verdict: 'yes', finding }) as const;

  test('all yes: 0, a line for each check, and a warning under its own', async () => {
    const warning = 'older than 80 days: rotate it';
    world.answerChecks({ checks: [{ ...yes('secret', 'a key pair, 92 days old'), warning }, yes('login', '310 ms')] });
    expect(await check()).toBe(0);
    expect(world.checked).toEqual([{}]);
    expect(world.printed()).toMatchInlineSnapshot(`
"The warehouse answers (asked from stage local)

secret  yes  a key pair, 92 days old
             warning: older than 80 days: rotate it
login   yes  310 ms"
`);
  });

  test('a no: 1, with what fixes it, and what could not be made is no yes', async () => {
    const login = {
      check: 'login',
      verdict: 'no',
      finding: 'the login failed (code 390144)',
      remedy: 'another key',
    } as const;
    const role = { check: 'role', verdict: 'not_made', finding: 'not made, because of login' } as const;
    world.answerChecks({ checks: [yes('secret', 'a key pair, 1 day old'), login, role] });
    expect(await check()).toBe(1);
    expect(world.printed()).toMatchInlineSnapshot(`
"The warehouse is not as it must be (asked from stage local)

secret  yes  a key pair, 1 day old
login   no   the login failed (code 390144)
             remedy: another key
role    -    not made, because of login"
`);
  });

  test('a check that could not be made is no yes by itself', async () => {
    world.answerChecks({ checks: [{ check: 'login', verdict: 'not_made', finding: 'no time was left' }] });
    expect(await check()).toBe(1);
  });

  test('each difference has its line, whatever a course key holds', async () => {
    const differences = ['user 1 in a\nb of c: expected 1 s', 'user 2 in c of d: expected 1 s'];
    world.answerChecks({ checks: [{ check: 'sample', verdict: 'no', finding: '2 of 2 differ', differences }] });
    expect(await check()).toBe(1);
    expect(world.printed()).toMatch(/\n +user 1 in a b of c: expected 1 s\n +user 2 in c of d: expected 1 s$/);
  });

  test('no checks at all are no answer', async () => {
    world.answerChecks({ checks: [] });
    await expect(check()).rejects.toThrow(/does not understand/);
  });
});

describe('a sample', () => {
  beforeEach(() => {
    world.answerChecks({ checks: [{ check: 'sample', verdict: 'yes', finding: '' }] });
  });

  const line = 'course-v1:edX+DemoX+Demo_Course,a1b2c3d4-e5f6-7890-abcd-ef1234567890';

  test('goes to the function', async () => {
    expect(await check('--sample', world.file('sums.csv', `${HEADER}\n1,${line},18540\n`))).toBe(0);
    const [course_id, enterprise_customer_uuid] = line.split(',');
    expect(world.checked).toEqual([
      { sample: [{ user_id: '1', course_id, enterprise_customer_uuid, total_seconds: 18_540 }] },
    ]);
  });
});

test('--json: the report as the function returns it, and the same exit code', async () => {
  const checks = [{ check: 'login', verdict: 'no', finding: 'it failed', remedy: 'another key' } as const];
  world.answerChecks({ checks });
  expect(await check('--json')).toBe(1);
  expect(JSON.parse(world.printed())).toEqual({ stage: 'local', checks });
});
