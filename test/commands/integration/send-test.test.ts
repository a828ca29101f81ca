import { expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/program.ts';
import { eachTest } from '../../support/each-test.ts';
import { DELIVERED, startOperatorWorld } from '../operator-world.ts';

const world = eachTest(startOperatorWorld);

const send = (id = 'acme') => runProgram(['send-test', '--integration', id], world.context);

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

The answer begins: thanks"
`);
});

test('not delivered: 1, and in words why', async () => {
  world.answerTests({ verdict: 'dead', reason: 'HTTP 404', status: 404, response_start: 'no\u001b[2J\nsuch page' });
  expect(await send()).toBe(1);
  expect(world.printed()).toMatch(/^Not delivered, and would be dead-lettered: HTTP 404/);
  expect(world.printed()).toContain('nothing at this path');
  expect(world.printed()).toContain('The answer begins: no?[2J?such page');
});

test('not sent: there is nothing to compare, and an unknown id is told with those there are', async () => {
  world.deploy({ integrations: [{ id: 'acme', url: 'https://acme.example' }] });
  const nothing = { webhook_id: '', webhook_timestamp: '', webhook_signature: '', body: '' };
  world.answerTests({ ...nothing, verdict: 'unsent', reason: 'no integration has the id acne' });
  expect(await send('acne')).toBe(1);
  expect(world.printed()).toContain('Not sent: no integration has the id acne');
  expect(world.printed()).toContain('Integrations there are: acme.');
  expect(world.printed()).not.toContain('webhook-signature');
});

test('where no token could be had, no signature is shown of what was not sent', async () => {
  world.answerTests({
    verdict: 'dead',
    reason: 'token: HTTP 401',
    status: 401,
    webhook_signature: '',
    webhook_timestamp: '',
  });
  expect(await send()).toBe(1);
  expect(world.printed()).toContain('about the token server');
  expect(world.printed()).not.toContain(DELIVERED.body);
});

test('--json: the report as the function returns it, and the same exit code', async () => {
  const sendAsJson = () => runProgram(['send-test', '--integration', 'acme', '--json'], world.context);
  expect(await sendAsJson()).toBe(0);
  expect(JSON.parse(world.printed())).toEqual({ stage: 'local', ...DELIVERED });
  world.answerTests({ verdict: 'retry' });
  expect(await sendAsJson()).toBe(1);
});
