import {
  certificateExpiring,
  type OperationalEvents,
  type ParkedReason,
  type ResumedReason,
} from '../events/operational-event.ts';
import { errorFields } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';
import { eventOfState, type IntegrationState } from './integration-state.ts';

/** The stored states of integrations. Every call throws `LedgerUnavailable` if the table does not respond. */
export interface IntegrationStates {
  /**
   * Writes a state that follows another one: parked, if the integration is not; resumed, if it is parked.
   *
   * @returns whether it was written: by one process for each transition
   */
  enter(state: IntegrationState): Promise<boolean>;
  /** Marks a state as announced, if it is still the stored one. */
  markAnnounced(state: IntegrationState): Promise<void>;
  /** @returns whether this certificate, by the time of its expiry, was not stored for the integration yet */
  enterExpiry(integrationId: string, expiresAt: string): Promise<boolean>;
  /** Forgets the stored certificate of an integration, so that the next one is new. */
  forgetExpiry(integrationId: string): Promise<void>;
}

/** Stores transitions of integrations, and announces them. It never throws: the reconciler repeats what failed. */
export interface IntegrationNotices {
  parked(integrationId: string, reason: ParkedReason): Promise<void>;
  resumed(integrationId: string, reason: ResumedReason): Promise<void>;
  /** Announces a stored state whose event was lost. */
  repeat(state: IntegrationState): Promise<void>;
  /** Announces a certificate that expires soon: once for each certificate. @param expiresAtMs epoch milliseconds */
  certificateExpiring(integrationId: string, expiresAtMs: number): Promise<void>;
}

export interface IntegrationNoticesOptions {
  readonly states: IntegrationStates;
  readonly events: OperationalEvents;
  readonly log: Log;
  /** Wall clock, ms. */
  now(): number;
}

export function createIntegrationNotices({ states, events, log, now }: IntegrationNoticesOptions): IntegrationNotices {
  async function guard(integrationId: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      log.warn('integration.state_not_written', { integration_id: integrationId, ...errorFields(thrown) });
    }
  }

  /** The mark follows the event, so that a function that is killed in between causes a second event, and not none. */
  async function announce(state: IntegrationState): Promise<void> {
    if (await events.put(eventOfState(state))) await states.markAnnounced(state);
  }

  function enter(state: IntegrationState): Promise<void> {
    return guard(state.integration_id, async () => {
      if (await states.enter(state)) await announce(state);
    });
  }

  const common = (integrationId: string) => ({
    integration_id: integrationId,
    at: new Date(now()).toISOString(),
    is_announced: false,
  });

  return {
    parked: (integrationId, reason) => enter({ ...common(integrationId), state: 'parked', reason }),
    resumed: (integrationId, reason) => enter({ ...common(integrationId), state: 'resumed', reason }),
    repeat: (state) => guard(state.integration_id, () => announce(state)),
    certificateExpiring: (integrationId, expiresAtMs) =>
      guard(integrationId, async () => {
        if (!(await states.enterExpiry(integrationId, new Date(expiresAtMs).toISOString()))) return;
        const event = certificateExpiring(expiresAtMs, { integrationId, atMs: now() });
        // The next run of the schedule announces it.
        if (!(await events.put(event))) await states.forgetExpiry(integrationId);
      }),
  };
}
