import type { LedgerTable, ListedDelivery } from '../../lambdas/ledger/ports.ts';
import { type LastResponse, lastResponse } from '../shared/last-response.ts';

/** Deliveries of an integration whose attempts are read: those that changed last. */
const LATEST = 5;

/**
 * The response to the last attempt of integrations whose lists name none. Once a delivery is parked, its reason in the list
 * is the limiter's: in the first minutes of an outage all of them may be.
 *
 * @param deliveries of each integration, as listed
 * @throws LedgerUnavailable
 */
export async function attemptedResponses(
  table: Pick<LedgerTable, 'records'>,
  deliveries: ReadonlyMap<string, readonly ListedDelivery[]>,
): Promise<ReadonlyMap<string, LastResponse>> {
  const unnamed = [...deliveries].filter(([, listed]) => lastResponse(listed) === undefined);
  const latest = unnamed.map(([id, listed]) => [id, attemptedLast(listed)] as const);
  const all = latest.flatMap(([, webhookIds]) => webhookIds);
  if (all.length === 0) return new Map();
  const records = await table.records(all);
  return new Map(
    latest.flatMap(([id, webhookIds]) => {
      const attempts = webhookIds.flatMap((webhookId) => records.get(webhookId)?.attempts ?? []);
      const last = attempts.toSorted((one, other) => (one.at < other.at ? 1 : -1))[0];
      if (last === undefined) return [];
      const reason = last.error ?? (last.status === undefined ? '' : `HTTP ${last.status}`);
      const response = lastResponse([{ reason, changed_at: last.at }]);
      return response === undefined ? [] : [[id, response] as const];
    }),
  );
}

function attemptedLast(listed: readonly ListedDelivery[]): readonly string[] {
  const attempted = listed.filter(({ attempt }) => attempt > 0);
  const latestFirst = attempted.toSorted((one, other) => (one.changed_at < other.changed_at ? 1 : -1));
  return [...new Set(latestFirst.map(({ webhook_id }) => webhook_id))].slice(0, LATEST);
}
