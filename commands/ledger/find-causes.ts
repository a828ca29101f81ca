import type { Enrichment } from '../../lambdas/events/delivery.ts';
import type { LedgerTable, ListedDelivery } from '../../lambdas/ledger/ports.ts';
import type { LedgerRecord } from '../../lambdas/ledger/record.ts';
import { readRejection } from '../../lambdas/limiter/rejection.ts';
import { counted } from '../shared/format.ts';
import { lastResponse } from '../shared/last-response.ts';
import { openFailureSearch } from '../shared/open-ledger.ts';
import type { Stage } from '../shared/stage.ts';

interface Waiting extends Pick<ListedDelivery, 'webhook_id' | 'integration_id' | 'state'> {
  readonly reason?: string | undefined;
  readonly enrichment?: Enrichment | undefined;
}

export interface CauseSource {
  readonly table: Pick<LedgerTable, 'records'>;
  readonly stage: Stage;
  /** Wall clock, ms. */
  now(): number;
}

/**
 * Why deliveries are scheduled or parked: `warehouse: 2 attempts failed`, `HTTP 503`, `no response: TIMEOUT`. One that
 * is parked because its endpoint fails has the error of its own last attempt, else that of another delivery to the
 * endpoint.
 *
 * @returns by webhook id; absent where its reason says it, or it waits for nothing
 * @throws LedgerUnavailable
 */
export async function findCauses(
  deliveries: readonly Waiting[],
  { table, stage, now }: CauseSource,
): Promise<ReadonlyMap<string, string>> {
  const waiting = deliveries.filter(({ state }) => state === 'scheduled' || state === 'parked');
  const causes = new Map<string, string>();
  for (const { webhook_id, enrichment } of waiting) {
    if (enrichment?.status === 'pending')
      causes.set(webhook_id, `warehouse: ${counted(enrichment.attempts, 'attempt')} failed`);
  }
  // The limiter's reason names the integration, and not how its endpoint failed.
  const failing = waiting.filter(
    ({ integration_id, reason }) => readRejection(integration_id, reason ?? '') !== undefined,
  );
  if (failing.length === 0) return causes;
  const records = await table.records(failing.map(({ webhook_id }) => webhook_id));
  const search = openFailureSearch(stage);
  const errors = new Map<string, Promise<string | undefined>>();
  for (const { webhook_id, integration_id } of failing) {
    const own = lastAttemptError(records.get(webhook_id));
    if (own === undefined && !errors.has(integration_id)) {
      errors.set(
        integration_id,
        search(integration_id, now()).then((found) => lastResponse(found)?.text),
      );
    }
    const cause = own ?? (await errors.get(integration_id));
    if (cause !== undefined) causes.set(webhook_id, cause);
  }
  return causes;
}

function lastAttemptError(record: LedgerRecord | undefined): string | undefined {
  return record?.attempts.findLast(({ error }) => error !== undefined)?.error;
}

/** Deliveries, each with its cause where there is one. @throws LedgerUnavailable */
export async function withCauses<T extends Waiting>(
  deliveries: readonly T[],
  source: CauseSource,
): Promise<readonly (T & { readonly cause?: string })[]> {
  const causes = await findCauses(deliveries, source);
  return deliveries.map((delivery) => {
    const cause = causes.get(delivery.webhook_id);
    return cause === undefined ? delivery : { ...delivery, cause };
  });
}
