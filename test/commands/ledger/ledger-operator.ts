import { runProgram } from '../../../commands/main.ts';
import type { Delivery, DeliverySubject, Progress } from '../../../lambdas/events/delivery.ts';
import { newDelivery } from '../../../lambdas/events/progress.ts';
import { createLedger } from '../../../lambdas/ledger/dynamodb-ledger.ts';
import type { Lease, LedgerTable } from '../../../lambdas/ledger/ports.ts';
import type { Attempt } from '../../../lambdas/ledger/record.ts';
import { createLedgerTable } from '../../../lambdas/ledger/table/ledger-table.ts';
import { timerOf } from '../../../lambdas/ledger/timer-rules.ts';
import { type LedgerServer, startLedgerServer } from '../../support/dynamodb.ts';
import { ENRICHED, fakeCounter, fakeLog, NOW, subject } from '../../support/factories.ts';
import { type FrontServer, startFrontServer } from '../../support/front-server.ts';
import { UNGUARDED } from '../../support/open-ledger.ts';
import { type OperatorWorld, startOperatorWorld } from '../operator-world.ts';

const LEASE_MS = 60_000;

/** How a delivery's holder leaves it. */
export interface Left {
  readonly progress?: Partial<Progress>;
  readonly token?: string;
  readonly attempt?: Partial<Attempt>;
  readonly responseStart?: string;
}

/** A ledger as the functions fill it, over sockets, and an operator who asks it. */
export interface LedgerOperator {
  readonly world: OperatorWorld;
  readonly front: FrontServer;
  readonly server: LedgerServer;
  readonly table: LedgerTable;
  /** `./ltw ledger …`: its exit status. */
  run(...words: readonly string[]): Promise<number>;
  /** Every `name  words` line of the first part of what `show` printed last. */
  facts(): Record<string, string>;
  /** The only JSON document that was printed. */
  document(): Record<string, unknown>;
  /** Sets the world's time to so many hours before `NOW`. */
  at(hoursAgo: number): void;
  /** Takes an event at the world's time. */
  accept(overrides?: Partial<DeliverySubject>): Promise<Delivery>;
  claim(delivery: Delivery): Promise<Lease>;
  /** Takes a lead that waits, as the workflow and its user's timer have it. @returns the delivery's id */
  lead(overrides: Partial<DeliverySubject>): Promise<string>;
  leave(lease: Lease, left: Left): Promise<void>;
  /** All three, one after the other. @returns the delivery's id */
  delivery(overrides: Partial<DeliverySubject>, left: Left): Promise<string>;
  close(): Promise<void>;
}

/** @param more endpoints and outputs of a platform that has more than a ledger, by their names */
export async function startLedgerOperator(
  more: { readonly endpoints?: Record<string, string>; readonly outputs?: Record<string, string> } = {},
): Promise<LedgerOperator> {
  const server = await startLedgerServer();
  const front = await startFrontServer(server.endpoint);
  const world = await startOperatorWorld({
    endpoints: { AWS_ENDPOINT_URL_DYNAMODB: front.endpoint, ...more.endpoints },
    outputs: {
      ...{ LedgerTableName: server.tableName, LedgerPayloadDays: '30', LedgerFactsDays: '400' },
      RetryWorkflowArn: 'arn:aws:states:us-east-1:000000000000:stateMachine:retry',
      ...more.outputs,
    },
  });
  const now = () => world.nowMs;
  const { client, tableName } = server;
  const table = createLedgerTable({ client, tableName, payloadDays: 30, factsDays: 400, now });
  const functions = createLedger({
    ...{ ...UNGUARDED, table, now, claimedBy: '2026/01/15/[7]abc', log: fakeLog(), counter: fakeCounter() },
  });
  const operator: LedgerOperator = {
    ...{ world, front, server, table },
    run: (...words) => runProgram(['ledger', ...words], world.context),
    facts() {
      const printed = world.printed();
      const [story = ''] = printed.slice(printed.lastIndexOf('delivery  ')).split('\n\n');
      const facts = story.split('\n').map((line) => /^(\S.*?) {2,}(.*)$/.exec(line) ?? []);
      return Object.fromEntries(facts.map(([, name = '', words = '']) => [name, words]));
    },
    document: () => JSON.parse(world.printed()),
    at(hoursAgo) {
      world.nowMs = NOW - hoursAgo * 3600_000;
    },
    async accept(overrides) {
      const accepted = { ...subject(overrides), accepted_at: new Date(now()).toISOString() };
      await functions.accept([accepted]);
      return newDelivery(accepted, ENRICHED);
    },
    async lead(overrides) {
      const accepted = { ...leadSubject(overrides), accepted_at: new Date(now()).toISOString() };
      await functions.accept([accepted]);
      const delivery = newDelivery(accepted, { status: 'not_enriched', reason: 'not_a_completion' });
      const timer = timerOf(accepted, now());
      if (timer !== undefined) await table.putTimer(timer);
      await functions.settleUnclaimed(delivery, { progress: { ...delivery.progress, outcome: 'retry' }, token: 'g0' });
      return accepted.webhook_id;
    },
    async claim(delivery) {
      const claim = await functions.claim(delivery, LEASE_MS);
      if (claim.verdict !== 'claimed') throw new Error(`the claim is refused: ${claim.verdict}`);
      return claim.lease;
    },
    async leave(lease, { progress = {}, attempt, ...rest }) {
      const { delivery } = lease;
      const at = new Date(now()).toISOString();
      await functions.settle(lease, {
        ...rest,
        progress: { ...delivery.progress, attempt: delivery.progress.attempt + (attempt ? 1 : 0), ...progress },
        ...(attempt && { attempt: { at, duration_ms: 120, ...attempt } }),
      });
    },
    async delivery(overrides, left) {
      const lease = await operator.claim(await operator.accept(overrides));
      await operator.leave(lease, left);
      return lease.delivery.webhook_id;
    },
    async close() {
      await world.close();
      await front.close();
      await server.close();
    },
  };
  world.nowMs = NOW;
  return operator;
}

/** A calculated lead that is to be sent an hour later. */
export function leadSubject(overrides: Partial<DeliverySubject> = {}): DeliverySubject {
  const { course_id, enterprise_customer_uuid, ...usual } = subject(overrides);
  return {
    ...usual,
    event_type: 'lead',
    kind: 'lead.calculated',
    send_at: '2026-01-15T13:00:00.000Z',
    payload: '{"user_id":42,"lead_type":"calculated"}',
    ...overrides,
  };
}

/** Ways in which a delivery is left. */
export const DELIVERED: Left = { progress: { outcome: 'delivered', reason: 'HTTP 200' }, attempt: { status: 200 } };
export const DEAD: Left = {
  progress: { outcome: 'dead', reason: 'HTTP 404' },
  attempt: { status: 404, error: 'HTTP 404' },
};
export const SCHEDULED: Left = {
  progress: { outcome: 'retry', reason: 'HTTP 503', due_at: new Date(NOW + 60_000).toISOString() },
  token: 'g0-a1',
  attempt: { status: 503, error: 'HTTP 503' },
};
export const PARKED: Left = { progress: { outcome: 'parked', reason: 'parked: it is paused', parked_for: 'paused' } };
