import { CreateQueueCommand, type Message, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { type FauxqsServer, startFauxqs } from 'fauxqs';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import { reconcileReportSchema } from '../../lambdas/ledger/reconciliation.ts';
import { createLedgerTable } from '../../lambdas/ledger/table/ledger-table.ts';
import { eventOf, newRecord } from '../../lambdas/ledger/transitions.ts';
import { handler } from '../../lambdas/operations/reconcile.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';
import { type LedgerServer, startLedgerServer } from '../support/dynamodb.ts';
import { ENRICHED, subject } from '../support/factories.ts';
import { variablesOf, wearEnvironment } from '../support/handler-wiring.ts';

const HOUR = 3600_000;
const CONTEXT = { getRemainingTimeInMillis: () => 15 * 60_000 } as Context;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

let plane: ControlPlane;
let ledger: LedgerServer;
let queues: FauxqsServer;
let sqs: SQSClient;
const urls = { deliveries: '', dead: '', outcomes: '' };

beforeAll(async () => {
  [plane, ledger, queues] = await Promise.all([
    startControlPlane(),
    startLedgerServer(),
    startFauxqs({ port: 0, logger: false }),
  ]);
  plane.appConfig.defineProfile('app', 'integrations', 'AWS.Freeform');
  const integrations = [{ id: 'acme', url: 'https://partner.example/hooks' }];
  plane.appConfig.deploy('app', 'live', 'integrations', JSON.stringify({ integrations }));
  const endpoint = `http://127.0.0.1:${queues.port}`;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  sqs = new SQSClient({ endpoint, region: 'us-east-1', credentials });
  for (const name of ['deliveries', 'dead', 'outcomes'] as const) {
    await sqs.send(new CreateQueueCommand({ QueueName: name }));
    urls[name] = `${endpoint}/000000000000/${name}`;
  }
  wearEnvironment({
    ...variablesOf(plane.endpoint),
    AWS_ENDPOINT_URL_APPCONFIGDATA: plane.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: ledger.endpoint,
    AWS_ENDPOINT_URL_SQS: endpoint,
    APPCONFIG_APPLICATION_ID: 'app',
    INTEGRATIONS_ENVIRONMENT_ID: 'live',
    INTEGRATIONS_PROFILE_ID: 'integrations',
    LEDGER_TABLE_NAME: ledger.tableName,
    LEDGER_PAYLOAD_DAYS: '30',
    LEDGER_FACTS_DAYS: '400',
    DELIVERIES_QUEUE_URL: urls.deliveries,
    DELIVERIES_DEAD_LETTER_QUEUE_URL: urls.dead,
    OUTCOMES_QUEUE_URL: urls.outcomes,
  });
});

afterAll(async () => {
  sqs.destroy();
  await Promise.all([plane.close(), ledger.close(), queues.stop()]);
});

/** What waits in a queue: webhook and generation of each message, in no order. */
async function waitingIn(name: keyof typeof urls): Promise<string[]> {
  const found: Message[] = [];
  for (;;) {
    const receive = new ReceiveMessageCommand({ QueueUrl: urls[name], MaxNumberOfMessages: 10, WaitTimeSeconds: 0 });
    const { Messages = [] } = await sqs.send(receive);
    if (Messages.length === 0) break;
    found.push(...Messages);
  }
  const deliveries = found.map(({ Body = '' }) => deliverySchema.parse(JSON.parse(Body)));
  return deliveries.map(({ webhook_id, generation }) => `${webhook_id} ${generation}`).toSorted();
}

test('finds lost, releasable and expired webhooks in a real table', async () => {
  const accepted = ['lost', 'resting', 'over', 'delivered'].map((event_id) =>
    subject({ event_id, accepted_at: ago(event_id === 'over' ? 75 * HOUR : HOUR) }),
  );
  const [lost, resting, over, delivered] = accepted as [(typeof accepted)[0], ...typeof accepted] as typeof accepted;
  const { client, tableName } = ledger;
  const table = createLedgerTable({ client, tableName, payloadDays: 30, factsDays: 400 });
  await table.putEvents(accepted.map((one) => eventOf(one, Date.now())));
  for (const [one, state, parked_since] of [
    [resting, 'parked', ago(HOUR)],
    [over, 'parked', ago(73 * HOUR)],
    [delivered, 'delivered', undefined],
  ] as const) {
    const record = newRecord(one as (typeof accepted)[0], Date.now());
    const parked = parked_since === undefined ? {} : ({ parked_since, parked_for: 'paused' } as const);
    await table.replace({ ...record, ...parked, state, enrichment: ENRICHED, version: 1 });
  }

  const report = await handler({ days: 5 }, CONTEXT);
  expect(reconcileReportSchema.parse(report)).toMatchObject({
    accepted: 4,
    states: { delivered: 1, parked: 2 },
    unbalanced: 1,
    stuck: [{ webhook_id: lost?.webhook_id, action: 'republished' }],
    ...{ republished: 1, released: 1, ended: 1, failed: 0, is_complete: true },
  });
  expect(await waitingIn('deliveries')).toEqual([`${lost?.webhook_id} 1`, `${resting?.webhook_id} 1`].toSorted());
  expect(await waitingIn('dead')).toEqual([`${over?.webhook_id} 1`]);

  const again = await handler({ days: 5 }, CONTEXT);
  expect(again).toMatchObject({ accepted: 4, states: { delivered: 1, dead: 1 }, in_flight: 2, is_balanced: true });
});
