import { expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import { eachTest } from '../../support/each-test.ts';
import { DELIVERED, startOperatorWorld } from '../operator-world.ts';

const world = eachTest(startOperatorWorld);

const send = (id = 'acme', ...words: readonly string[]) =>
  runProgram(['send-test', '--integration', id, ...words], world.context);

test('delivered: 0, with times and everything that the partner can compare', async () => {
  expect(await send()).toBe(0);
  expect(world.tested).toEqual(['acme']);
  expect(world.printed()).toMatchInlineSnapshot(`
"Delivered: HTTP 200 (test event for acme, from stage local)

DNS         1 ms
connect     10 ms
TLS         20 ms
first byte  50 ms
total       51 ms

For the partner to compare: the signature is over webhook-id.webhook-timestamp.body, these exact bytes.
webhook-id         wh_test_1
webhook-timestamp  1768478400
webhook-signature  v1,c2lnbmF0dXJl
body               {"test":true}

The response begins: thanks"
`);
});

test('not delivered: 1, and why', async () => {
  world.answerTests({ verdict: 'dead', reason: 'HTTP 404', status: 404, response_start: 'no\u001b[2J\nsuch page' });
  expect(await send()).toBe(1);
  expect(world.printed()).toMatch(/^Not delivered, and would be dead-lettered: HTTP 404\b[\s\S]*nothing at this path/);
  expect(world.printed()).toContain('The response begins: no?[2J?such page');
});

test('no token: the error of the token server, and the setting to try', async () => {
  world.answerTests({
    ...{ verdict: 'dead', reason: 'token: HTTP 400 invalid_request, with fresh credentials too', status: 400 },
    ...{ token_error: 'invalid_request', token_setting: { name: 'token_request', value: 'form' } },
  });
  expect(await send()).toBe(1);
  expect(world.printed()).toMatch(/cannot read it[\s\S]*set token_request of the entry’s auth to form/);
});

test('not sent: no signature is printed, and the existing ids', async () => {
  world.deploy({ integrations: [{ id: 'acme', url: 'https://acme.example' }] });
  // As without a token: there is a body, but it was not signed.
  const unsigned = { webhook_timestamp: '', webhook_signature: '' };
  world.answerTests({ ...unsigned, verdict: 'unsent', reason: 'no integration has the id acne' });
  expect(await send('acne')).toBe(1);
  expect(world.printed()).toContain('Not sent: no integration has the id acne');
  expect(world.printed()).toContain('Existing integrations: acme.');
  expect(world.printed()).not.toContain(DELIVERED.body);
});

test('--json: the report as the function returns it, and the same exit code', async () => {
  expect(await send('acme', '--json')).toBe(0);
  expect(JSON.parse(world.printed())).toEqual({ stage: 'local', ...DELIVERED, explanation: [] });
  world.answerTests({ verdict: 'retry' });
  expect(await send('acme', '--json')).toBe(1);
});
