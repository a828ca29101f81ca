import { deliverySchema } from '../../lambdas/contract/delivery.ts';
import { integrationIdSchema } from '../../lambdas/contract/event.ts';
import { WEBHOOK_STATES, type WebhookState } from '../../lambdas/contract/ledger.ts';
import { webhookId } from '../../lambdas/domain/identity.ts';
import { readFlags, UsageError } from '../../local/command-line.ts';
import { readWhole } from '../replay/read-whole.ts';
import { readSpan } from '../time-span.ts';
import { CLOSED_AS, type CloseOptions } from './close.ts';
import type { CountOptions } from './count.ts';
import type { ForgetOptions } from './forget.ts';
import type { LastOptions } from './last.ts';
import type { ListOptions } from './list.ts';
import type { ShowOptions } from './show.ts';

/** How far back is looked where nobody says. Nothing stays open for longer than 15 days. */
export const USUAL_SPANS = { last: '400d', list: '15d', count: '24h', adoption: '7d' } as const;

/** How many are shown where nobody says, and at the most. */
export const USUAL_NUMBERS = { last: 20, list: 100 } as const;
const MOST_SHOWN = 10_000;

/** Shorter texts stand in anybody's payload. Characters. */
const LEAST_CONTAINED = 4;

/** Of an operator's reason, characters. */
const LEAST_REASON = 4;

/** Where the ledger is, and how its answer is to be written. */
export interface CommonOptions {
  readonly stage: string;
  readonly asJson: boolean;
}

const COMMON = { stage: { type: 'string', default: 'local' }, json: { type: 'boolean', default: false } } as const;
const SPAN = { since: { type: 'string' }, until: { type: 'string' } } as const;
const INTEGRATION = { integration: { type: 'string' } } as const;

/** @throws UsageError */
export function readShow(words: readonly string[]): CommonOptions & ShowOptions {
  const [first = ''] = words;
  const id = first.startsWith('-') || first === '' ? undefined : first;
  const values = readFlags(id === undefined ? words : words.slice(1), {
    ...{ ...COMMON, ...INTEGRATION },
    'event-id': { type: 'string' },
    payload: { type: 'boolean', default: false },
  });
  const { stage, json: asJson, integration, 'event-id': eventId, payload: showsPayload } = values;
  const isPair = integration !== undefined && eventId !== undefined;
  const isNeither = integration === undefined && eventId === undefined;
  if (id !== undefined ? !isNeither : !isPair) {
    throw new UsageError('show takes the id of a webhook, or --integration and --event-id');
  }
  if (id !== undefined) return { ...{ stage, asJson, showsPayload }, webhookId: id, asked: `webhook ${id}` };
  const integrationId = readIntegration(integration) ?? '';
  return {
    ...{ stage, asJson, showsPayload },
    webhookId: webhookId(integrationId, eventId ?? ''),
    asked: `event ${eventId} of integration ${integrationId}`,
  };
}

/** @throws UsageError */
export function readLast(words: readonly string[], nowMs: number): CommonOptions & LastOptions {
  const values = readFlags(words, { ...COMMON, ...INTEGRATION, number: { type: 'string' } });
  const integrationId = readIntegration(values.integration);
  if (integrationId === undefined) throw new UsageError('last takes --integration, the id of one');
  const span = readSpan({ since: undefined, until: undefined }, nowMs, USUAL_SPANS.last);
  return { ...common(values), integrationId, span, atMost: readAtMost(values.number, USUAL_NUMBERS.last) };
}

/** @throws UsageError */
export function readList(words: readonly string[], nowMs: number): CommonOptions & ListOptions {
  const values = readFlags(words, {
    ...{ ...COMMON, ...INTEGRATION, ...SPAN },
    state: { type: 'string' },
    error: { type: 'string' },
    number: { type: 'string' },
  });
  return {
    ...common(values),
    state: readState(values.state),
    integrationId: readIntegration(values.integration),
    span: readSpan({ since: values.since, until: values.until }, nowMs, USUAL_SPANS.list),
    error: values.error,
    atMost: readAtMost(values.number, USUAL_NUMBERS.list),
  };
}

/** @throws UsageError */
export const readCount = (words: readonly string[], nowMs: number) => readTally(words, nowMs, USUAL_SPANS.count);

/** @throws UsageError */
export const readAdoption = (words: readonly string[], nowMs: number) => readTally(words, nowMs, USUAL_SPANS.adoption);

function readTally(words: readonly string[], nowMs: number, usualSpan: string): CommonOptions & CountOptions {
  const values = readFlags(words, { ...COMMON, ...INTEGRATION, ...SPAN });
  const span = readSpan({ since: values.since, until: values.until }, nowMs, usualSpan);
  return { ...common(values), integrationId: readIntegration(values.integration), span };
}

/** @throws UsageError */
export function readForget(words: readonly string[]): CommonOptions & ForgetOptions {
  const values = readFlags(words, {
    ...COMMON,
    'user-id': { type: 'string' },
    containing: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
  });
  const { 'user-id': userId, containing, 'dry-run': isDryRun, yes: isYes, json } = values;
  if (userId === undefined && containing === undefined) throw new UsageError('forget takes --user-id or --containing');
  if (userId !== undefined && !/^\d{1,18}$/.test(userId)) {
    throw new UsageError('--user-id takes the number that the LMS knows a user by');
  }
  if (containing !== undefined && containing.trim().length < LEAST_CONTAINED) {
    throw new UsageError(`--containing takes at least ${LEAST_CONTAINED} characters: less stands in anybody’s payload`);
  }
  if (json && !isDryRun && !isYes) throw new UsageError('--json asks nothing: --yes or --dry-run has to say');
  return { ...common(values), ...{ userId, containing, isDryRun, isYes } };
}

/** @throws UsageError */
export function readClose(words: readonly string[]): CommonOptions & CloseOptions {
  const firstFlag = words.findIndex((word) => word.startsWith('-'));
  const ids = firstFlag === -1 ? words : words.slice(0, firstFlag);
  const values = readFlags(firstFlag === -1 ? [] : words.slice(firstFlag), {
    ...COMMON,
    as: { type: 'string' },
    reason: { type: 'string' },
    'dry-run': { type: 'boolean', default: false },
    yes: { type: 'boolean', default: false },
  });
  const { reason = '', 'dry-run': isDryRun, yes: isYes, json } = values;
  const as = CLOSED_AS.find((name) => name === values.as);
  if (ids.length === 0) throw new UsageError('close takes the ids of webhooks');
  const wrong = ids.find((id) => !deliverySchema.shape.webhook_id.safeParse(id).success);
  if (wrong !== undefined) throw new UsageError(`${wrong} is no id of a webhook: wh_ and 40 hexadecimal digits`);
  if (as === undefined) throw new UsageError(`--as takes one of ${CLOSED_AS.join(', ')}`);
  if (reason.trim().length < LEAST_REASON)
    throw new UsageError('--reason takes the words that the ledger keeps: who says so');
  if (json && !isDryRun && !isYes) throw new UsageError('--json asks nothing: --yes or --dry-run has to say');
  return { ...common(values), webhookIds: [...new Set(ids)], as, reason: reason.trim(), isDryRun, isYes };
}

function common({ stage, json }: { readonly stage: string; readonly json: boolean }): CommonOptions {
  return { stage, asJson: json };
}

function readIntegration(id: string | undefined): string | undefined {
  if (id === undefined || integrationIdSchema.safeParse(id).success) return id;
  throw new UsageError(`${id} cannot be the id of an integration`);
}

function readState(text: string | undefined): WebhookState {
  const state = WEBHOOK_STATES.find((name) => name === text);
  if (state !== undefined) return state;
  throw new UsageError(`--state takes one of ${WEBHOOK_STATES.join(', ')}`);
}

function readAtMost(text: string | undefined, usual: number): number {
  return readWhole('number', text ?? String(usual), 1, MOST_SHOWN);
}
