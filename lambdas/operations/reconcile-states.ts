import { type StateEvidence, stateShownBy } from '../ledger/integration-state.ts';
import { errorFields } from '../shared/errors.ts';
import type { ReconcileRun } from './reconcile-run.ts';

/**
 * Announces states of integrations whose event was lost, so that contacts learn the last state at most an hour late. Never
 * throws.
 */
export async function repeatLostStates({ request, services }: ReconcileRun): Promise<void> {
  if (request.dry_run) return;
  const { notices, log } = services;
  try {
    const lost = (await services.integrationStates()).filter(({ is_announced }) => !is_announced);
    for (const state of lost) await notices.repeat(state);
  } catch (thrown) {
    log.error('integration.states_unread', errorFields(thrown));
  }
}

/**
 * Stores and announces transitions that no function has reported. Never throws.
 *
 * @param evidence of the integrations with deliveries in the run's days, by id
 * @param isWhole whether those are all; if not, an integration without evidence may have some
 */
export async function findStates(
  evidence: ReadonlyMap<string, Omit<StateEvidence, 'resumedAt'>>,
  isWhole: boolean,
  { request, services }: ReconcileRun,
): Promise<void> {
  if (request.dry_run) return;
  const { integrations, notices, log } = services;
  try {
    const known = new Map((await services.integrationStates()).map((state) => [state.integration_id, state]));
    const registry = await integrations.read();
    const ids = new Set([...evidence.keys(), ...(isWhole ? known.keys() : [])]);
    for (const id of ids) {
      if (request.integration_id !== undefined && request.integration_id !== id) continue;
      const resumedAt = registry?.byId.get(id)?.resumed_at;
      const shown = stateShownBy(known.get(id), { ...evidence.get(id), resumedAt });
      if (shown?.state === 'parked') await notices.parked(id, shown.reason);
      if (shown?.state === 'resumed') await notices.resumed(id, shown.reason);
    }
  } catch (thrown) {
    log.error('integration.states_unread', errorFields(thrown));
  }
}
