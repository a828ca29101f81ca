import { beforeEach, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const ACME = { id: 'acme', url: 'https://acme.example', auth: { type: 'bearer' } };
const SIGNING = { signing_secrets: [`whsec_${Buffer.alloc(32, 1).toString('base64')}`] };
const WHOLE = { ...SIGNING, bearer_token: 'a-token' };

const world = eachTest(startOperatorWorld);

beforeEach(() => {
  world.deploy({ integrations: [ACME] });
});

const validate = (...words: readonly string[]) => runProgram(['integration', 'validate', ...words], world.context);

test('deployed entry and secret fit: 0', async () => {
  world.putSecret('acme', WHOLE);
  expect(await validate()).toBe(0);
  expect(world.printed()).toContain('All entries and secrets fit.');
});

test.each([
  ['no secret', undefined, /secret \/local\/integrations\/acme: is not there/],
  ['a value that is not quoted', { ...SIGNING, bearer_token: 'näh' }, /acme: the secret has a value of bearer_token /],
  ['no object', ['bearer-value'], /the secret \/local\/integrations\/acme is not a JSON object/],
])('%s: 1', async (_, fields, reason) => {
  if (fields !== undefined) world.putSecret('acme', fields);
  expect(await validate()).toBe(1);
  expect(world.printed()).toMatch(reason);
  expect(world.printed()).toContain('1 fault.');
  expect(world.printed()).not.toMatch(/whsec_|näh|bearer-value/);
});

test('signing secrets that end are listed; one must have no end', async () => {
  const [secret] = SIGNING.signing_secrets;
  const older = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
  const ends = ['2026-01-15T11:55:00Z', '2026-01-15T11:55:01Z'];
  const signing_secrets = [
    secret,
    ...ends.map((not_after, n) => ({ secret: older.replace('Ag', `A${n}`), not_after })),
  ];
  world.putSecret('acme', { ...WHOLE, signing_secrets });
  expect(await validate()).toBe(0);
  expect(
    world.printed(),
  ).toContain(`  secret /local/integrations/acme: a signing secret ended at ${ends[0]}: the next "./ltw integration rotate" removes it
  secret /local/integrations/acme: a signing secret ends at ${ends[1]}
All entries and secrets fit.`);
  world.putSecret('acme', { ...WHOLE, signing_secrets: signing_secrets.slice(1) });
  expect(await validate()).toBe(1);
  expect(world.printed()).toContain('acme: the secret has a not_after in each of its signing_secrets');
  const newestEnded = { secret, not_after: '2026-01-15T11:54:59Z' };
  world.putSecret('acme', { ...WHOLE, signing_secrets: [newestEnded, { secret: older, not_after: ends[0] }] });
  expect(await validate()).toBe(1);
  expect(world.printed()).toContain('acme: a signing secret ended at 2026-01-15T11:54:59Z, and signs on');
  expect(world.printed()).toContain(
    `acme: a signing secret ended at ${ends[0]}: the next "./ltw integration rotate" removes`,
  );
});

test('an entry in a file, and its secret in the stage', async () => {
  const file = world.file('entry.json', { ...ACME, id: 'fresh' });
  expect(await validate('--file', file)).toBe(1);
  expect(world.printed()).toContain('secret /local/integrations/fresh: is not there');
  world.putSecret('fresh', WHOLE);
  expect(await validate('--file', file)).toBe(0);
});

test('a file without a platform: every fault with its path in the document, or in the entry', async () => {
  world.stopPlatform();
  const faulty = { id: 'other', url: 'ftp://x', max_retries: 11 };
  const document = { integrations: [{ ...ACME, region: 'us' }, faulty] };
  expect(await validate('--file', world.file('d.json', document))).toBe(1);
  expect(world.printed()).toMatch(
    /\n {2}integrations\.0\.region: .*\n {2}integrations\.1\.url: .*\n {2}integrations\.1\.max_retries: /,
  );
  expect(world.printed()).toContain('The secrets were not checked');
  expect(world.printed()).toContain('3 faults.');
  expect(await validate('--file', world.file('entry.json', faulty))).toBe(1);
  expect(world.printed()).toMatch(/^ {2}url: must be/m);
  const list = world.file('list.json', [faulty]);
  await expect(validate('--file', list)).rejects.toThrow(`the integrations document ${list} is not a JSON object`);
});

test('contacts that are no addresses, too many or listed twice: one sentence each, without the address', async () => {
  const contacts = Array.from({ length: 11 }, (_, n) => `a${n}@partner.example`);
  for (const [given, fault] of [
    [['secret.person'], 'contacts.0: must be a mail address, such as team@partner.example'],
    [contacts, 'contacts: Too big: expected array to have <=10 items'],
    [['One@partner.example', 'one@PARTNER.example'], 'contacts.1: is listed twice'],
  ] as const) {
    expect(await validate('--file', world.file('e.json', { ...ACME, auth: undefined, contacts: given }))).toBe(1);
    expect(world.printed()).toContain(`  ${fault}`);
  }
  expect(world.printed()).not.toMatch(/secret\.person|one@/i);
});

test('--json: every fault, and the same exit code', async () => {
  expect(await validate('--json')).toBe(1);
  expect(JSON.parse(world.printed())).toEqual({
    from: 'stage local, version 2, deployment 2 (COMPLETE)',
    is_valid: false,
    are_secrets_read: true,
    faults: [expect.stringContaining('is not there')],
    notices: [],
    warnings: [],
  });
});
