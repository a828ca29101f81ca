import type { ListedDelivery } from '../../lambdas/ledger/ports.ts';
import { listIntegrationStates } from '../../lambdas/ledger/table/integration-states.ts';
import { HOUR_MS } from '../../lambdas/shared/durations.ts';
import { healthOf, lastErrorOf } from '../../lambdas/status/health.ts';
import type { Health } from '../../lambdas/status/health-document.ts';
import { type Point, readPoints, sum } from '../shared/metric-points.ts';
import { ledgerFailure } from '../shared/open-ledger.ts';
import type { Stage } from '../shared/stage.ts';
import { readDeliveries } from '../status/read-integrations.ts';
import { integrationQueries, lastDay } from '../status/status-queries.ts';

/** Reasons that are listed: those of most deliveries. */
const MOST_REASONS = 10;

/** How an integration does, from metrics and the ledger. Times are ISO 8601, UTC. */
export interface IntegrationHealth {
  /** Of the last 24 hours, as the WebhookHealth API has it. */
  readonly last_day: Health;
  /** Attempts of the last hour, a point for each five minutes that had any, oldest first. */
  readonly last_hour: readonly AttemptPoint[];
  /** What functions stored when the integration was parked or resumed last; null where it was never parked. */
  readonly notice: { readonly state: 'parked' | 'resumed'; readonly reason: string; readonly at: string } | null;
  /** Why deliveries wait, of the latest day that has undelivered ones: the most frequent reasons first. */
  readonly waiting: readonly WaitingReason[];
}

export interface AttemptPoint {
  /** When its five minutes begin. */
  readonly at: string;
  readonly successes: number;
  readonly failures: number;
}

export interface WaitingReason {
  readonly reason: string;
  readonly deliveries: number;
  /** When the first of them is due; null where none has a time. */
  readonly next_at: string | null;
}

/** Reads it. @throws CommandFailed; the clients' errors */
export async function readIntegrationHealth(stage: Stage, id: string, nowMs: number): Promise<IntegrationHealth> {
  const ledger = { client: stage.dynamoDb, tableName: stage.output('LedgerTableName') };
  const [points, deliveries, states] = await Promise.all([
    readPoints(stage.cloudWatch, integrationQueries(stage.name, [id]), lastDay(nowMs)),
    readDeliveries(stage, [id], nowMs),
    listIntegrationStates(ledger).catch((thrown: unknown) => {
      throw ledgerFailure(thrown, stage);
    }),
  ]);
  const [successes, failures] = [points('s0'), points('f0')];
  const listed = deliveries.get(id) ?? [];
  const notice = states.find(({ integration_id }) => integration_id === id);
  return {
    last_day: healthOf({ successes: sum(successes), failures: sum(failures) }, lastErrorOf(listed)),
    last_hour: attemptPoints(successes, failures, nowMs - HOUR_MS),
    notice: notice === undefined ? null : { state: notice.state, reason: notice.reason, at: notice.at },
    waiting: waitingReasons(listed),
  };
}

/** @param fromMs points before are left out, in epoch milliseconds */
function attemptPoints(successes: readonly Point[], failures: readonly Point[], fromMs: number): AttemptPoint[] {
  const times = new Set([...successes, ...failures].map(({ at }) => at).filter((at) => at >= fromMs));
  const at = (points: readonly Point[], ms: number) => sum(points.filter((point) => point.at === ms));
  return [...times]
    .sort((one, other) => one - other)
    .map((ms) => ({ at: new Date(ms).toISOString(), successes: at(successes, ms), failures: at(failures, ms) }));
}

/** @param deliveries one may be there twice */
export function waitingReasons(deliveries: readonly ListedDelivery[]): WaitingReason[] {
  const waiting = new Map(
    deliveries.filter(({ state }) => state === 'scheduled' || state === 'parked').map((one) => [one.webhook_id, one]),
  );
  const byReason = Map.groupBy(waiting.values(), ({ reason = 'no reason' }) => reason);
  return [...byReason]
    .map(([reason, some]) => ({
      reason,
      deliveries: some.length,
      next_at: some.flatMap(({ due_at }) => due_at ?? []).sort()[0] ?? null,
    }))
    .sort((one, other) => other.deliveries - one.deliveries)
    .slice(0, MOST_REASONS);
}
