import type { ResultOf } from '../../commands/console/operation.ts';
import type { Operations } from '../../commands/console/operations.ts';

/** An integration to which deliveries would be replayed. */
export type ReplayTarget = ResultOf<Operations['replayTargets']>['integrations'][number];

/** What becomes of replayed deliveries while an integration is in this state. */
const OUTCOMES: Readonly<Record<Exclude<ReplayTarget['state'], 'active'>, string>> = {
  paused: 'is paused: replayed deliveries are parked, and sent when it is resumed',
  gone: 'responded that its endpoint is gone: replayed deliveries are parked until it is resumed',
  failing: 'is failing: replayed deliveries are parked while its circuit breaker is open',
  certificate_expired: 'has a server certificate that is not valid now: replayed deliveries are parked',
  certificate_incomplete: 'has a server certificate without its chain: replayed deliveries are parked',
  off: 'is not active: replayed deliveries are filtered, and not sent',
  faulty: 'has a faulty configuration: replayed deliveries cannot be sent',
};

/** What speaks against replaying deliveries of an integration now. Undefined if nothing does. */
export function warningOf({ id, state, last_response }: ReplayTarget): string | undefined {
  if (state !== 'active') return `${id} ${OUTCOMES[state]}.`;
  if (last_response === null || /^HTTP 2\d\d$/.test(last_response)) return undefined;
  return `${id} last responded ${last_response}: unless that is resolved, replayed deliveries fail again.`;
}
