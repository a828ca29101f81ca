import { expect, test } from '@jest/globals';
import { type IntegrationState, type StateEvidence, stateShownBy } from '../../lambdas/ledger/integration-state.ts';

/** Hours of one day. */
const at = (hour: number) => `2026-01-15T${String(hour).padStart(2, '0')}:00:00.000Z`;
type Known = Pick<IntegrationState, 'state' | 'at'>;
const parkedAt = (hour: number): Known => ({ state: 'parked', at: at(hour) });
const resumedAt = (hour: number): Known => ({ state: 'resumed', at: at(hour) });
const failing = (hour: number) => ({ at: at(hour), reason: 'endpoint_failing' }) as const;
const PARKED = { state: 'parked', reason: 'endpoint_failing' };

test.each<[string, Known | undefined, StateEvidence, object | undefined]>([
  ['it was never parked, and nothing happened', undefined, {}, undefined],
  ['it was never parked, and delivers', undefined, { lastDeliveredAt: at(3) }, undefined],
  ['it has been failing for an hour', undefined, { lastParked: failing(3) }, PARKED],
  ['it failed, and delivers again', undefined, { lastParked: failing(3), lastDeliveredAt: at(4) }, undefined],
  ['it delivered, and has failed since', undefined, { lastParked: failing(4), lastDeliveredAt: at(3) }, PARKED],
  ['it failed, and was resumed', undefined, { lastParked: failing(3), resumedAt: at(4) }, undefined],
  ['it was resumed, and has failed since', undefined, { lastParked: failing(4), resumedAt: at(3) }, PARKED],
  ['it is parked, and nothing has changed', parkedAt(3), { lastDeliveredAt: at(2), lastParked: failing(4) }, undefined],
  [
    'it is parked, and delivers again',
    parkedAt(3),
    { lastDeliveredAt: at(4) },
    { state: 'resumed', reason: 'endpoint_responded' },
  ],
  [
    'it is parked, and was resumed since',
    parkedAt(3),
    { resumedAt: at(4), lastParked: failing(2) },
    { state: 'resumed', reason: 'resumed_by_operator' },
  ],
  ['it is parked, was resumed, and parked again', parkedAt(3), { resumedAt: at(4), lastParked: failing(5) }, undefined],
  ['it was resumed before it was parked', parkedAt(3), { resumedAt: at(2) }, undefined],
  ['it has resumed, and failed before', resumedAt(3), { lastParked: failing(2) }, undefined],
  ['it has resumed, and failed since', resumedAt(3), { lastParked: failing(4) }, PARKED],
])('%s', (_what, known, evidence, shown) => expect(stateShownBy(known, evidence)).toEqual(shown));
