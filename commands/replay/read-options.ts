import { integrationIdSchema } from '../../lambdas/contract/event.ts';
import type { WebhookState } from '../../lambdas/contract/ledger.ts';
import { readFlags, UsageError } from '../../local/command-line.ts';
import { readSpan } from '../time-span.ts';
import type { ReplayFilter } from './find-webhooks.ts';
import { readWhole } from './read-whole.ts';

/** Webhooks a second. */
export const USUAL_RATE = 10;
export const HIGHEST_RATE = 100;

/** What can be asked for: whatever is accepted or delivering is in flight. */
export const REPLAYED_STATES = [
  'dead',
  'delivered',
  'parked',
  'scheduled',
  'unwanted',
  'cancelled',
] as const satisfies readonly WebhookState[];

export interface ReplayOptions {
  readonly stageName: string;
  /** What is replayed: these, or what a filter finds. */
  readonly what: { readonly ids: readonly string[] } | { readonly filter: ReplayFilter };
  readonly perSecond: number;
  readonly isDryRun: boolean;
  readonly isYes: boolean;
}

/** @throws UsageError */
export function readReplayOptions(words: readonly string[], nowMs: number): ReplayOptions {
  const firstFlag = words.findIndex((word) => word.startsWith('-'));
  const ids = firstFlag === -1 ? words : words.slice(0, firstFlag);
  const values = readFlags(words.slice(ids.length), {
    stage: { type: 'string', default: 'local' },
    integration: { type: 'string' },
    state: { type: 'string', multiple: true },
    since: { type: 'string' },
    until: { type: 'string' },
    error: { type: 'string' },
    all: { type: 'boolean', default: false },
    'dry-run': { type: 'boolean', default: false },
    rate: { type: 'string', default: String(USUAL_RATE) },
    yes: { type: 'boolean', default: false },
  });
  const { stage: stageName, integration, state, since, until, error, all, yes: isYes } = values;
  const states = state === undefined ? (['dead'] as const) : [...new Set(state.map(readState))];
  const isAnywhere = [integration, since, error].every((value) => value === undefined);
  if (ids.length > 0 && (!isAnywhere || state !== undefined || until !== undefined || all)) {
    throw new UsageError('webhooks are named by their ids or by a filter, not both');
  }
  const isEverything = isAnywhere && (state === undefined || states.length === REPLAYED_STATES.length);
  if (ids.length === 0 && isEverything && !all) {
    throw new UsageError(`that is everything that is ${states.join(' or ')}: narrow it down, or say --all`);
  }
  if (integration !== undefined && !integrationIdSchema.safeParse(integration).success) {
    throw new UsageError(`${integration} cannot be the id of an integration`);
  }
  if (error?.trim() === '') throw new UsageError('--error takes a part of a reason: every reason has an empty one');
  const filter = { integrationId: integration, states, span: readSpan({ since, until }, nowMs), reason: error };
  return {
    ...{ stageName, isYes, isDryRun: values['dry-run'] },
    what: ids.length > 0 ? { ids } : { filter },
    perSecond: readWhole('rate', values.rate, 1, HIGHEST_RATE),
  };
}

function readState(text: string): WebhookState {
  const state = REPLAYED_STATES.find((name) => name === text);
  if (state !== undefined) return state;
  throw new UsageError(`--state takes one of ${REPLAYED_STATES.join(', ')}; give it twice for two of them`);
}
