import { CreateQueueCommand, SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { describe, expect, test } from '@jest/globals';
import { startFauxqs } from 'fauxqs';
import type { Operation, Work } from '../../../commands/console/operation.ts';
import {
  type DeadReasons,
  readDeadLetterQueues,
  readDeadReasons,
  readRejectedEvents,
  readRejectedPayload,
  readReplayTargets,
} from '../../../commands/console/operations/dead-letters.ts';
import { runProgram } from '../../../commands/main.ts';
import { openStage } from '../../../commands/shared/stage.ts';
import { eachTest } from '../../support/each-test.ts';
import { DEAD, DELIVERED, startLedgerOperator } from '../ledger/ledger-operator.ts';
import { intercept } from '../operator-world.ts';

/** A stage with a ledger and two of the dead-letter queues, and what an operation of the console works with. */
async function startStage() {
  const server = await startFauxqs({ port: 0, logger: false });
  const endpoint = `http://127.0.0.1:${server.port}`;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const sqs = new SQSClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  for (const QueueName of ['events-dead', 'deliveries-dead']) await sqs.send(new CreateQueueCommand({ QueueName }));
  const urlOf = (name: string) => `${endpoint}/000000000000/${name}`;
  const operator = await startLedgerOperator({
    endpoints: { AWS_ENDPOINT_URL_SQS: endpoint },
    outputs: {
      EventsDeadLetterQueueUrl: urlOf('events-dead'),
      DeliveriesDeadLetterQueueUrl: urlOf('deliveries-dead'),
    },
  });
  const stage = await openStage('local', {}, operator.world.stateFile);
  intercept(stage.sqs, (command, send) => {
    const { input } = command as { input: { WaitTimeSeconds?: number } };
    if (input.WaitTimeSeconds !== undefined) input.WaitTimeSeconds = 0;
    return send();
  });
  const now = () => operator.world.nowMs;
  return {
    ...{ operator, stage },
    async run<I, O, P>(
      operation: Operation<I, O, P>,
      input: unknown,
      report: (progress: P) => void = () => {},
      signal = new AbortController().signal,
    ): Promise<O> {
      const work: Work<P> = {
        ...{ stage, now, signal, context: operator.world.context, runProgram },
        report: async (progress) => report(progress),
      };
      return operation.run(operation.input.parse(input), work);
    },
    async send(queue: string, body: string): Promise<string> {
      const { MessageId } = await sqs.send(new SendMessageCommand({ QueueUrl: urlOf(queue), MessageBody: body }));
      return MessageId ?? '';
    },
    async close() {
      stage.close();
      await operator.close();
      sqs.destroy();
      await server.stop();
    },
  };
}

const started = eachTest(startStage);

describe('dead deliveries', () => {
  test('are grouped as the CLI groups them, with the span of a replay of what was found', async () => {
    const { operator } = started;
    await operator.delivery({ event_id: '1' }, DEAD);
    await operator.delivery({ event_id: '2', integration_id: 'globex' }, DEAD);
    await operator.delivery({ event_id: '3' }, DELIVERED);
    const read = await started.run(readDeadReasons, { integration: 'acme', since: '2d' });
    expect(read).toMatchObject({
      ...{ since: '2026-01-13T12:00:00.000Z', until: '2026-01-15T12:00:00.000Z' },
      ...{ total: 1, others: 0, rows_read: 2, days_read: 1, days: 1 },
      groups: [{ integration_id: 'acme', reason: 'HTTP 404', deliveries: 1 }],
    });
  });

  test('appear while the ledger is read, until the page stops it', async () => {
    const { operator } = started;
    for (const event_id of ['1', '2', '3']) await operator.delivery({ event_id }, DEAD);
    const stop = new AbortController();
    const seen: DeadReasons[] = [];
    operator.front.decide(() => {
      // So that each page is reported.
      operator.world.nowMs += 1000;
      return 'pass';
    });
    const report = (progress: DeadReasons) => {
      seen.push(progress);
      stop.abort();
    };
    const read = await started.run(readDeadReasons, {}, report, stop.signal);
    expect(seen).toHaveLength(1);
    expect(seen[0]).toMatchObject({ days_read: 0, days: 1 });
    expect(read).toMatchObject({ days_read: 0, days: 1 });
  });

  test('are asked for in the forms of the CLI only', () => {
    for (const input of [{ since: 'yesterday' }, { integration: 'a b' }, { more: 1 }]) {
      expect(readDeadReasons.input.safeParse(input).success).toBe(false);
    }
  });
});

test('each dead-letter queue has its depth, and one that cannot be read hides no other', async () => {
  await started.send('deliveries-dead', '{}');
  const { queues } = await started.run(readDeadLetterQueues, {});
  expect(queues).toHaveLength(9);
  expect(queues.slice(0, 2)).toEqual([
    { name: 'events', messages: 0 },
    { name: 'deliveries', messages: 1 },
  ]);
  expect(queues[2]).toMatchObject({ name: 'outcomes', error: expect.stringMatching(/OutcomesDeadLetterQueueUrl/) });
});

describe('rejected events', () => {
  const EVENT = JSON.stringify({ event_type: `<b>${'x'.repeat(2000)}`, event_id: 'e1', secret: 'a learner' });

  test('are listed without their payloads, and with the beginning of what is long', async () => {
    const id = await started.send('events-dead', EVENT);
    const read = await started.run(readRejectedEvents, {});
    expect(read.is_complete).toBe(true);
    expect(read.events).toMatchObject([
      { message_id: id, event_id: 'e1', integration_id: null, reason: null, payload_bytes: EVENT.length },
    ]);
    expect(read.events[0]?.event_type).toHaveLength(500);
    expect(JSON.stringify(read)).not.toContain('a learner');
  });

  test('have a payload, of which the page gets no more than it shows', async () => {
    const id = await started.send('events-dead', EVENT);
    await started.send('events-dead', EVENT);
    expect(await started.run(readRejectedPayload, { message_id: id })).toEqual({
      payload: EVENT,
      characters: EVENT.length,
    });
    const long = await started.send('events-dead', 'y'.repeat(500_000));
    const { payload, characters } = await started.run(readRejectedPayload, { message_id: long });
    expect([payload.length, characters]).toEqual([300_000, 500_000]);
  });

  test('that are gone have none', async () => {
    const gone = started.run(readRejectedPayload, { message_id: '00000000-0000-4000-8000-000000000000' });
    await expect(gone).rejects.toMatchObject({ name: 'CommandFailed', message: expect.stringMatching(/no rejected/) });
  });
});

test('the targets of a replay have what speaks against it', async () => {
  const { operator } = started;
  operator.world.deploy({ integrations: [{ id: 'acme', url: 'https://acme.example', paused: true }] });
  await operator.delivery({ event_id: '1' }, DEAD);
  intercept(started.stage.cloudWatch, () => ({ MetricDataResults: [] }));
  expect(await started.run(readReplayTargets, {})).toMatchObject({
    integrations: [{ id: 'acme', state: 'paused', last_response: 'HTTP 404' }],
  });
});
