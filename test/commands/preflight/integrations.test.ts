import { expect, test } from '@jest/globals';
import { readDocument } from '../../../commands/integration/integrations-document.ts';
import { judgeSecret } from '../../../commands/preflight/integration-secrets.ts';
import { judgeIntegrations } from '../../../commands/preflight/integrations.ts';
import type { Stage } from '../../../commands/shared/stage.ts';
import { integration, NOW } from '../../support/factories.ts';
import { ACME_CERTIFICATE, ACME_KEY } from '../../support/test-only-client-certificates.ts';

const SIGNING = { signing_secrets: [`whsec_${Buffer.alloc(32).toString('base64')}`] };
const STAGE = { name: 'dev', output: () => '/dev/', awsCli: (_: string, words: string) => words } as unknown as Stage;

const entry = (id: string, more: object = {}) => ({ id, url: 'https://partner.example/hooks', ...more });

function judge(integrations: readonly unknown[], around: object = {}) {
  const document = readDocument(JSON.stringify({ ...around, integrations }));
  return judgeIntegrations(document, 7, '--stage dev');
}

test('entries that fit: a yes that names those that receive nothing now', () => {
  const all = [entry('a'), entry('b', { paused: true }), entry('c', { active: false, paused: true })];
  expect(judge(all)).toEqual({
    verdict: 'yes',
    what: 'integrations',
    is: '3 in version 7, all entries fit; off: c; paused: b',
  });
});

test.each([
  [{}, [], 'there are none yet', 'add --id ID --url URL --stage dev'],
  [{ paused: true }, [entry('a')], 'none of 1 receives webhooks; all are paused', 'resume --all --stage dev'],
  [{}, [entry('a', { paused: true })], 'none of 1 receives webhooks; paused: a', 'resume a --stage dev'],
  [
    {},
    [entry('a', { active: false })],
    'none of 1 receives webhooks; off: a',
    'list --stage dev   # .*: set active to',
  ],
  [{}, [entry('a'), entry('a')], 'integrations.1.id: is taken by an earlier entry (a)', 'validate --stage dev'],
  [
    {},
    [entry('a'), entry('a'), entry('a')],
    '2 faults, the first: integrations.1.id: is taken by an earlier entry (a)',
    'validate --stage dev',
  ],
])('%j with %j: a no', (around, integrations, is, remedy) => {
  expect(judge(integrations, around)).toEqual({
    verdict: 'no',
    what: 'integrations',
    is,
    remedy: expect.stringMatching(`^./ltw integration ${remedy}`),
  });
});

const SIGNING_SECRET = `whsec_${Buffer.alloc(32).toString('base64')}`;
const ENDING = { secret: `whsec_${Buffer.alloc(32, 1).toString('base64')}`, not_after: '2026-01-16T12:00:00Z' };

test.each([
  ['whole', { client_id: 'id', client_secret: 'secret' }, { verdict: 'yes', is: 'is well-formed' }],
  [
    'whole, and in a rotation',
    { client_id: 'id', client_secret: 'secret', signing_secrets: [SIGNING_SECRET, ENDING] },
    { verdict: 'yes', is: 'a signing secret ends at 2026-01-16T12:00:00Z' },
  ],
  ['missing', undefined, { verdict: 'no', remedy: expect.stringContaining('create-secret --name /dev/acme') }],
  [
    'without a key',
    { client_id: 'id' },
    { verdict: 'no', is: expect.stringMatching(/^the secret has no client_secret /) },
  ],
])('a secret that is %s', (_, credentials, finding) => {
  const oauth = integration({
    auth: { type: 'oauth2_client_credentials', token_url: 'https://partner.example/token' },
  });
  expect(judgeSecret(oauth, credentials && { ...SIGNING, ...credentials }, STAGE, NOW)).toMatchObject(finding);
});

test('a secret whose client certificate expires soon', () => {
  const secret = { ...SIGNING, client_certificate: ACME_CERTIFICATE, client_key: ACME_KEY };
  const judgeAt = (nowMs: number) => judgeSecret(integration({ client_certificate: true }), secret, STAGE, nowMs);
  expect(judgeAt(NOW)).toMatchObject({ verdict: 'yes' });
  expect(judgeAt(Date.UTC(2125, 11, 20))).toMatchObject({
    verdict: 'no',
    is: 'the secret has a client_certificate that expires on 2125-12-31, in 11 days',
    remedy: expect.stringMatching(/^\.\/ltw integration next-certificate acme --stage dev /),
  });
});
