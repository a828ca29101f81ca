import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Context } from 'aws-lambda';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import { reconcileReportSchema } from '../../lambdas/ledger/reconciliation.ts';
import { createLedgerTable } from '../../lambdas/ledger/table/ledger-table.ts';
import { eventOf, newRecord } from '../../lambdas/ledger/transitions.ts';
import { handler } from '../../lambdas/operations/reconcile.ts';
import { type LedgerServer, startLedgerServer } from '../support/dynamodb.ts';
import { ENRICHED, subject } from '../support/factories.ts';
import { variablesOf, wearEnvironment } from '../support/handler-wiring.ts';
import { startWorkflowService, type WorkflowService } from '../support/workflow-service.ts';

const HOUR = 3600_000;
const CONTEXT = { getRemainingTimeInMillis: () => 15 * 60_000 } as Context;
const ago = (ms: number) => new Date(Date.now() - ms).toISOString();

let services: WorkflowService;
let ledger: LedgerServer;

beforeAll(async () => {
  [services, ledger] = await Promise.all([startWorkflowService(), startLedgerServer()]);
  const { appConfig } = services.controlPlane;
  appConfig.defineProfile('app', 'integrations', 'AWS.Freeform');
  const integrations = [{ id: 'acme', url: 'https://partner.example/hooks' }];
  appConfig.deploy('app', 'live', 'integrations', JSON.stringify({ integrations }));
  const urlOf = (queue: string) => `${services.endpoint}/000000000000/${queue}`;
  wearEnvironment({
    ...variablesOf(services.endpoint),
    AWS_ENDPOINT_URL_APPCONFIGDATA: services.endpoint,
    AWS_ENDPOINT_URL_DYNAMODB: ledger.endpoint,
    APPCONFIG_APPLICATION_ID: 'app',
    INTEGRATIONS_ENVIRONMENT_ID: 'live',
    INTEGRATIONS_PROFILE_ID: 'integrations',
    LEDGER_TABLE_NAME: ledger.tableName,
    LEDGER_PAYLOAD_DAYS: '30',
    LEDGER_FACTS_DAYS: '400',
    DELIVERIES_QUEUE_URL: urlOf('deliveries'),
    DELIVERIES_DEAD_LETTER_QUEUE_URL: urlOf('dead'),
    OUTCOMES_QUEUE_URL: urlOf('outcomes'),
  });
});
afterAll(() => Promise.all([services.close(), ledger.close()]));

/** The messages sent: queue, event and generation of each. */
function sent(): string[] {
  return services.calls.flatMap(({ body: { QueueUrl, Entries = [] } }) =>
    (Entries as readonly { MessageBody: string }[]).map(({ MessageBody }) => {
      const { event_id, generation } = deliverySchema.parse(JSON.parse(MessageBody));
      return `${String(QueueUrl).split('/').at(-1)}: ${event_id} ${generation}`;
    }),
  );
}

test('finds lost, releasable and expired deliveries in a real table', async () => {
  const { client, tableName } = ledger;
  const table = createLedgerTable({ client, tableName, payloadDays: 30, factsDays: 400 });
  for (const [event_id, acceptedAt, record] of [
    ['lost', ago(HOUR), undefined],
    ['resting', ago(HOUR), { state: 'parked', parked_since: ago(HOUR), parked_for: 'paused' }],
    ['over', ago(75 * HOUR), { state: 'parked', parked_since: ago(73 * HOUR), parked_for: 'paused' }],
    ['delivered', ago(HOUR), { state: 'delivered' }],
  ] as const) {
    const accepted = subject({ event_id, accepted_at: acceptedAt });
    await table.putEvents([eventOf(accepted, Date.now())]);
    const before = { ...newRecord(accepted, Date.now()), enrichment: ENRICHED, version: 1 };
    if (record !== undefined) await table.replace({ ...before, ...record });
  }

  const report = reconcileReportSchema.parse(await handler({ days: 5 }, CONTEXT));
  expect(report).toMatchObject({
    accepted: 4,
    states: { delivered: 1, parked: 2 },
    stuck: [{ action: 'resent' }],
    ...{ unbalanced: 1, resent: 1, released: 1, ended: 1, failed: 0, is_complete: true },
  });
  expect(sent().toSorted()).toEqual(['dead: over 1', 'deliveries: lost 1', 'deliveries: resting 1']);

  const again = await handler({ days: 5 }, CONTEXT);
  expect(again).toMatchObject({ accepted: 4, states: { delivered: 1, dead: 1 }, in_flight: 2, is_balanced: true });
});
