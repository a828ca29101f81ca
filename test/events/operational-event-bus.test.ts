import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { deadLettered } from '../../lambdas/events/operational-event.ts';
import { createOperationalEventBus } from '../../lambdas/events/operational-event-bus.ts';
import { CLIENT_WAITS, type ClientWaits } from '../../lambdas/shared/io-deadlines.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';
import { EVENTS_TARGET, eventsApi } from '../../local/event-bridge/put-events.ts';
import { startHttpServer } from '../../local/http-server.ts';
import { clientOptions } from '../support/client-options.ts';
import { fakeCounter, fakeLog, NOW } from '../support/factories.ts';
import { variablesOf } from '../support/handler-wiring.ts';

const EVENT = deadLettered(`wh_${'0'.repeat(40)}`, 'refused', { integrationId: 'acme', atMs: NOW });

/** Events that reached a rule. */
const received: [event: unknown, busName: string | undefined][] = [];
let plane: ControlPlane;
beforeAll(async () => {
  plane = await startControlPlane();
  const rules = {
    hasBus: (name: string) => name === 'stage',
    put: (event: object, busName?: string) => void received.push([event, busName]),
  };
  plane.registerTarget(EVENTS_TARGET, eventsApi(rules));
  Object.assign(process.env, variablesOf(plane.endpoint));
});
beforeEach(() => {
  received.length = 0;
  process.env.AWS_ENDPOINT_URL_EVENTBRIDGE = plane.endpoint;
});
afterAll(() => plane.close());

/** So long that no busy machine reaches it. */
const PATIENT = { connectMs: 20_000, responseMs: 20_000, callMs: 20_000 };

function world(busName: string, waits: Partial<ClientWaits> = PATIENT) {
  const [log, counter] = [fakeLog(), fakeCounter()];
  const deadlines = { ...CLIENT_WAITS.notices, ...waits };
  return { log, counter, bus: createOperationalEventBus({ busName, deadlines, log, counter }) };
}

test('an event reaches its bus', async () => {
  const { bus, counter } = world('stage');
  expect(await bus.put(EVENT)).toBe(true);
  const { type, detail } = EVENT;
  const event = expect.objectContaining({ source: 'learning-time-webhooks', 'detail-type': type, detail });
  expect(received).toEqual([[event, 'stage']]);
  expect(counter.counts).toEqual({});
});

test('a refused entry, and a bus that does not respond, are counted and logged without an error', async () => {
  const refused = world('another');
  expect(await refused.bus.put(EVENT)).toBe(false);
  expect(refused.log.only('operational_event.refused')).toMatchObject({ error: 'InvalidArgument', reason: 'refused' });

  const listener = await startHttpServer(() => {});
  process.env.AWS_ENDPOINT_URL_EVENTBRIDGE = listener.url;
  const mute = world('stage', { callMs: 300 });
  expect(await mute.bus.put(EVENT)).toBe(false);
  await listener.close();
  expect(mute.log.only('operational_event.failed')).toMatchObject({ error: 'TimeoutError' });

  for (const { counter } of [refused, mute]) expect(counter.counts).toEqual({ [METRICS.operationalEventFailed]: 1 });
});

test.each([
  ['of another shape', { Detail: '{"integration_id":"acme"}' }, 'SchemaViolation'],
  ['without an object', { Detail: '"text"' }, 'MalformedDetail'],
  ['without a type', { DetailType: '' }, 'InvalidArgument'],
])('the local platform refuses an event %s', async (_, part, ErrorCode) => {
  const client = new EventBridgeClient(clientOptions(plane.endpoint));
  const good = { EventBusName: 'stage', Source: 'learning-time-webhooks', DetailType: EVENT.type };
  const Entries = [{ ...good, Detail: JSON.stringify(EVENT.detail), ...part }];
  const response = await client.send(new PutEventsCommand({ Entries }));
  client.destroy();
  expect(response).toMatchObject({ FailedEntryCount: 1, Entries: [{ ErrorCode }] });
  expect(received).toEqual([]);
});
