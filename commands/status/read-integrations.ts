import type { ListedDelivery } from '../../lambdas/ledger/ports.ts';
import type { RejectReason } from '../../lambdas/limiter/limiter.ts';
import { readRejection } from '../../lambdas/limiter/rejection.ts';
import { chunksOf } from '../../lambdas/shared/chunks.ts';
import { isRecord } from '../../lambdas/shared/json.ts';
import { readDeployedIntegrations } from '../integration/deployed-integrations.ts';
import { readEntry } from '../integration/integrations-document.ts';
import { type LastResponse, lastResponse } from '../shared/last-response.ts';
import { readPoints, sum } from '../shared/metric-points.ts';
import { ledgerFailure, openFailureSearch, openLedger } from '../shared/open-ledger.ts';
import type { Stage } from '../shared/stage.ts';
import { attemptedResponses } from './attempted-responses.ts';
import { integrationQueries, lastHour } from './status-queries.ts';

/** A `RejectReason`: its latest delivery is parked for that. `off`: not active. `faulty`: the entry does not fit. */
export type IntegrationState = 'active' | 'paused' | RejectReason | 'off' | 'faulty';

export interface IntegrationStatus {
  readonly id: string;
  readonly state: IntegrationState;
  /** Made in the last hour. */
  readonly attempts: number;
  /** 0 to 1 of these; null where there was none. */
  readonly success_rate: number | null;
  /** `HTTP 200`, `no response: TIMEOUT`, of the delivery that changed last; null where there was none for three days. */
  readonly last_response: string | null;
  readonly last_response_at: string | null;
  /** When the next scheduled delivery is due; null where none is. */
  readonly next_attempt_at: string | null;
  /** Parked deliveries, of the latest day that has undelivered ones; at most 1,600 are read. */
  readonly parked: number;
}

/** Deliveries that are read of an integration: the last ones accepted. */
const LATEST = 20;

/** Integrations that are read in parallel: each takes up to 64 queries of the ledger's index. */
const IN_PARALLEL = 5;

/** Each integration of the stage. @param only its id, where one is meant @throws CommandFailed; the clients' errors */
export async function readIntegrations(
  stage: Stage,
  nowMs: number,
  only?: string,
): Promise<readonly IntegrationStatus[]> {
  const { document } = await readDeployedIntegrations(stage);
  const entries = document.entries.flatMap((entry) => {
    const id = isRecord(entry) ? entry.id : undefined;
    if (typeof id !== 'string' || (only !== undefined && id !== only)) return [];
    return [{ id, configured: configuredState(entry, document.fields.paused) }];
  });
  const ids = entries.map(({ id }) => id);
  const [points, deliveries] = await Promise.all([
    ids.length === 0 ? () => [] : readPoints(stage.cloudWatch, integrationQueries(stage.name, ids), lastHour(nowMs)),
    readDeliveries(stage, ids, nowMs),
  ]);
  const attempted = await attemptedResponses(openLedger(stage, { now: () => nowMs }), deliveries).catch(
    (thrown: unknown) => {
      throw ledgerFailure(thrown, stage);
    },
  );
  return entries.map(({ id, configured }, index) => {
    const successes = sum(points(`s${index}`));
    const attempts = successes + sum(points(`f${index}`));
    const success_rate = attempts === 0 ? null : Math.round((successes / attempts) * 1000) / 1000;
    return { id, ...statusOf(configured, deliveries.get(id) ?? [], nowMs, attempted.get(id)), attempts, success_rate };
  });
}

/** @param isAllPaused whether all integrations are paused, as the document has it */
export function configuredState(entry: unknown, isAllPaused: unknown): IntegrationState {
  const read = readEntry(entry);
  if ('faults' in read) return 'faulty';
  const { active, paused } = read.integration;
  if (!active) return 'off';
  return paused || isAllPaused === true ? 'paused' : 'active';
}

/** The latest deliveries of each, and those that are not delivered; one may be there twice. @throws CommandFailed */
export async function readDeliveries(
  stage: Stage,
  ids: readonly string[],
  nowMs: number,
): Promise<ReadonlyMap<string, readonly ListedDelivery[]>> {
  const table = openLedger(stage, { now: () => nowMs });
  const today = new Date(nowMs).toISOString().slice(0, 10);
  const failures = openFailureSearch(stage);
  const found = new Map<string, readonly ListedDelivery[]>();
  try {
    for (const some of chunksOf(ids, IN_PARALLEL)) {
      await Promise.all(
        some.map(async (id) => {
          const [latest, failed] = await Promise.all([
            table.latestRecords({ integrationId: id, day: today }, LATEST),
            failures(id, nowMs),
          ]);
          found.set(id, [...latest, ...failed]);
        }),
      );
    }
  } catch (thrown) {
    throw ledgerFailure(thrown, stage);
  }
  return found;
}

type Delivered = Pick<IntegrationStatus, 'state' | 'last_response' | 'last_response_at' | 'next_attempt_at' | 'parked'>;

/**
 * What an integration's deliveries say of it.
 *
 * @param configured what its entry says
 * @param attempted the response to the last attempt, where no reason names one
 */
export function statusOf(
  configured: IntegrationState,
  deliveries: readonly ListedDelivery[],
  nowMs: number,
  attempted?: LastResponse,
): Delivered {
  const latestFirst = deliveries.toSorted((one, other) => (one.changed_at < other.changed_at ? 1 : -1));
  const response = lastResponse(deliveries) ?? attempted;
  const waiting = latestFirst.filter(({ state }) => state === 'scheduled' || state === 'parked');
  const due = waiting.flatMap(({ due_at }) => due_at ?? []).toSorted();
  const nowText = new Date(nowMs).toISOString();
  return {
    state: configured === 'active' ? parkedState(latestFirst[0]) : configured,
    last_response: response?.text ?? null,
    last_response_at: response?.at ?? null,
    next_attempt_at: due.find((at) => at >= nowText) ?? due.at(-1) ?? null,
    parked: new Set(waiting.filter(isParked).map(({ webhook_id }) => webhook_id)).size,
  };
}

/** In the ledger, or for some minutes in the workflow. As `lambdas/delivery` writes the reason: the index has no `parked_for`. */
function isParked({ state, reason }: ListedDelivery): boolean {
  return state === 'parked' || reason?.startsWith('parked: ') === true;
}

function parkedState(latest: ListedDelivery | undefined): IntegrationState {
  if (latest === undefined || !latest.reason?.startsWith('parked: ')) return 'active';
  if (latest.state !== 'scheduled' && latest.state !== 'parked') return 'active';
  // `HTTP 410, the endpoint is gone` is of the attempt that found it.
  if (/ is gone$/.test(latest.reason)) return 'gone';
  return readRejection(latest.integration_id, latest.reason) ?? 'active';
}
