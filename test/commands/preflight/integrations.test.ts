import { expect, test } from '@jest/globals';
import { readDocument } from '../../../commands/integration/integrations-document.ts';
import { judgeSecret } from '../../../commands/preflight/integration-secrets.ts';
import { judgeIntegrations } from '../../../commands/preflight/integrations.ts';
import { integration } from '../../support/factories.ts';

function entry(id: string, more: object = {}) {
  return { id, url: 'https://partner.example/hooks', ...more };
}

function judge(integrations: readonly unknown[], around: object = {}) {
  const document = readDocument(JSON.stringify({ ...around, integrations }));
  const { answer, is, remedy } = judgeIntegrations(document, 7, '--stage dev');
  return remedy === undefined ? [answer, is] : [answer, is, remedy];
}

const LIST =
  './ltw integration list --stage dev   # docs/how-to/deploy-integrations-with-the-aws-cli.md: set active to true';

const resume = (whose: string) => `./ltw integration resume ${whose} --stage dev`;

test('entries that fit, and by name those that take nothing now', () => {
  expect(judge([entry('a')])).toEqual(['yes', '1 in version 7, all entries fit']);
  expect(judge([entry('a'), entry('b', { paused: true }), entry('c', { active: false, paused: true })])).toEqual([
    'yes',
    '3 in version 7, all entries fit; off: c; paused: b',
  ]);
});

test('none yet', () => {
  expect(judge([])).toEqual(['no', 'there are none yet', './ltw integration add --id ID --url URL --stage dev']);
});

test.each([
  [{ paused: true }, [entry('a')], 'none of 1 takes webhooks; all are paused', resume('--all')],
  [{}, [entry('a', { paused: true })], 'none of 1 takes webhooks; paused: a', resume('a')],
  [{}, [entry('a', { active: false })], 'none of 1 takes webhooks; off: a', LIST],
])('nobody takes webhooks: %j %j', (around, integrations, is, remedy) => {
  expect(judge(integrations, around)).toEqual(['no', is, remedy]);
});

test('what does not fit', () => {
  const validate = './ltw integration validate --stage dev';
  expect(judge([entry('a'), entry('a')])).toEqual([
    'no',
    'integrations.1.id: is taken by an earlier entry (a)',
    validate,
  ]);
  const [answer, is, remedy] = judge([entry('a', { timeout_seconds: 2 }), entry('b', { region: 'us' })]);
  expect([answer, remedy]).toEqual(['no', validate]);
  expect(is).toMatch(/^2 faults, the first: integrations\.0\.timeout_seconds: .*\(a\)$/);
});

test('a secret: there, whole, or what it lacks by its keys', () => {
  const remedies = { make: 'make it', remedy: 'fix it' };
  const oauth = integration({
    auth: { type: 'oauth2_client_credentials', token_url: 'https://partner.example/token' },
  });
  const signing = { signing_secrets: [`whsec_${Buffer.alloc(32).toString('base64')}`] };
  const whole = { ...signing, client_id: 'id', client_secret: 'secret' };
  expect(judgeSecret(oauth, whole, remedies)).toMatchObject({ answer: 'yes' });
  expect(judgeSecret(oauth, undefined, remedies)).toMatchObject({ answer: 'no', remedy: 'make it' });
  expect(judgeSecret(oauth, { ...signing, client_id: 'id' }, remedies)).toMatchObject({
    answer: 'no',
    is: expect.stringMatching(/^the secret has no client_secret /),
    remedy: 'fix it',
  });
});
