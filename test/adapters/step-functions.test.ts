import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { SFNClient } from '@aws-sdk/client-sfn';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createWorkflow, startOnce } from '../../lambdas/adapters/step-functions.ts';
import { deliverySchema } from '../../lambdas/contract/delivery.ts';
import { clientOptions } from '../support/client-options.ts';
import { delivery, PENDING } from '../support/factories.ts';

const STATE_MACHINE = 'arn:aws:states:us-east-1:000000000000:stateMachine:retry';
const STARTED = { status: 200, body: { executionArn: 'arn', startDate: 1_768_478_400 } };
const refusal = (name: string, status = 400) => ({
  status,
  body: { __type: `${name}`, message: 'the service says no' },
});

let server: Server;
let client: SFNClient;
let answers: { status: number; body: object }[] = [];
let calls: { target: unknown; input: Record<string, string> }[] = [];

beforeAll(async () => {
  server = createServer(async (request, response) => {
    calls.push({ target: request.headers['x-amz-target'], input: (await json(request)) as Record<string, string> });
    const { status, body } = answers.shift() ?? STARTED;
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  client = new SFNClient(clientOptions(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
});
afterAll(async () => {
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
});
beforeEach(() => {
  answers = [];
  calls = [];
});

const workflow = () => createWorkflow({ client, stateMachineArn: STATE_MACHINE });

describe('starting the workflow', () => {
  test('names the execution by webhook and token, and gives it the delivery with that token', async () => {
    const given = delivery(PENDING, { generation: 3, payload: '{"a":1.0}' });
    expect(await workflow().start(given)).toEqual({ token: 'g3', isOwn: true });
    expect(calls).toHaveLength(1);
    expect(calls[0]?.target).toBe('AWSStepFunctions.StartExecution');
    expect(calls[0]?.input).toMatchObject({ stateMachineArn: STATE_MACHINE, name: `${given.webhook_id}-g3` });
    expect(deliverySchema.parse(JSON.parse(calls[0]?.input.input ?? ''))).toEqual({ ...given, token: 'g3' });
  });

  test('succeeds where the execution exists already: it carries the delivery', async () => {
    answers = [refusal('ExecutionAlreadyExists')];
    await expect(workflow().start(delivery())).resolves.toEqual({ token: 'g0', isOwn: false });
  });

  test.each([
    ['ExecutionLimitExceeded', 400],
    ['ServiceUnavailable', 503],
  ])('fails with %s: the message that led here stays in its queue', async (name, status) => {
    answers = [refusal(name, status)];
    await expect(workflow().start(delivery())).rejects.toMatchObject({ name });
  });

  test('takes any input under any name: a rescue gives its own', async () => {
    await startOnce(client, STATE_MACHINE, 'wh_1-g0-rescue1', { input: ['\uFFFF'] });
    expect(calls[0]?.input).toMatchObject({ name: 'wh_1-g0-rescue1', input: '{"input":["\\uffff"]}' });
  });
});
