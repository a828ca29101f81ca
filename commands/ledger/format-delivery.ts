import type { Enrichment, NOT_ENRICHED_REASONS, ParkedFor } from '../../lambdas/events/delivery.ts';
import { definitionOfType, kindOf } from '../../lambdas/events/event-types/event-types.ts';
import { LONGEST_PARKING_MS } from '../../lambdas/ledger/balance.ts';
import type { DeliveryState, LedgerEvent, LedgerRecord } from '../../lambdas/ledger/record.ts';
import type { DueDecision } from '../../lambdas/ledger/timer-rules.ts';
import { alignColumns, formatDuration, formatNumber, oneLine } from '../shared/format.ts';
import { shortTime } from '../shared/time-span.ts';
import { type Carrier, formatCarrier } from './carrier.ts';
import { awaitsSendTime, formatWhenDue, isTimed } from './scheduled.ts';

/** All that the ledger holds of one delivery: its record, its event, or both. */
export interface DeliveryView {
  readonly webhookId: string;
  /** Undefined before the first claim. */
  readonly record: LedgerRecord | undefined;
  /** Undefined where it was deleted. */
  readonly event: LedgerEvent | undefined;
  /** How the partner's last refusal began. */
  readonly responseStart: string | undefined;
  readonly state: DeliveryState;
  /** When it entered that state. */
  readonly since: string;
  /** Why it is scheduled or parked, where its reason does not say it. */
  readonly cause: string | undefined;
  readonly carrier: Carrier;
  /** What happens when it is due, where it waits for its scheduled time. */
  readonly whenDue: DueDecision | undefined;
  /** Until when its event is held. */
  readonly heldUntil: string;
}

/**
 * One delivery, as text. @param showsPayload whether the event as the LMS sent it follows, and the partner's response:
 * it may repeat the event
 */
export function formatDelivery(view: DeliveryView, stageName: string, showsPayload: boolean): string {
  const { record, event, responseStart } = view;
  const parts = [alignColumns(factsOf(view, stageName, showsPayload))];
  if (record !== undefined && record.attempts.length > 0) parts.push(formatAttempts(record));
  if (record !== undefined) parts.push(timesOf(record));
  if (showsPayload && responseStart !== undefined) parts.push(`the partner’s last refusal begins\n${responseStart}`);
  if (showsPayload && event !== undefined) parts.push(`payload\n${event.payload}`);
  return parts.join('\n\n');
}

function factsOf(view: DeliveryView, stageName: string, showsPayload: boolean): string[][] {
  const { webhookId, record, event, state, since } = view;
  const subject = record ?? event;
  const facts: (readonly [string, string | undefined])[] = [
    ['delivery', webhookId],
    ['event', subject && `${kindOf(subject)} ${subject.event_id} of integration ${subject.integration_id}`],
    event === undefined ? ['learner', undefined] : formatSubject(event),
    ['occurred', subject && shortTime(subject.occurred_at)],
    ['accepted', subject && shortTime(subject.accepted_at)],
    ['trace', event?.traceparent],
    ['generation', record && formatGeneration(record)],
    ['state', `${state} since ${shortTime(since)}: ${formatState(view)}`],
    ['parked', record && formatParking(record)],
    ['due', record?.due_at && shortTime(record.due_at)],
    ['when due', formatWhenDue(view.whenDue)],
    ['reason', record?.reason && oneLine(record.reason)],
    ['cause', view.cause && oneLine(view.cause)],
    ['carried by', formatCarrier(view.carrier)],
    ['learning time', formatLearningTime(record, event)],
    ['flag', record?.config_version && `as its config_version ${record.config_version} had it`],
    ['payload', formatPayload(view, showsPayload)],
    [
      'response',
      view.responseStart === undefined || showsPayload
        ? undefined
        : 'the last refusal is held as long; --payload prints it',
    ],
    ['next', formatNext(view, stageName)],
  ];
  return facts.flatMap(([name, words]) => (words === undefined ? [] : [[name, words]]));
}

const STATE_TEXT: Readonly<Record<DeliveryState, string>> = {
  accepted: 'no function has begun to send it',
  delivering: 'a function has begun to send it',
  scheduled: 'it waits for its next attempt',
  parked: 'its integration takes nothing now, and no attempt is spent',
  delivered: 'the partner has it',
  dead: 'it was dead-lettered',
  filtered: 'its integration does not subscribe to it, and nothing was sent',
  cancelled: 'it is not sent, and the reason says why',
};

function formatState({ state, record }: DeliveryView): string {
  if (record === undefined || !awaitsSendTime(record)) return STATE_TEXT[state];
  return 'it waits for its scheduled time, and a later event of its user supersedes it';
}

/** Moved to an earlier time, it is carried by the next generation. */
function formatGeneration(record: LedgerRecord): string | undefined {
  if (record.generation === 0) return undefined;
  return `${record.generation}: raised by each resend${isTimed(record) ? ' or move' : ''}`;
}

/** A lead is about no course. */
function formatSubject(event: LedgerEvent): readonly [string, string] {
  const { event_type, user_id = 'unknown', course_id, enterprise_customer_uuid: enterprise } = event;
  const isOfCourse = course_id !== undefined || definitionOfType(event_type).enrichment !== 'none';
  if (!isOfCourse) return ['user', user_id];
  return ['learner', `${user_id}, course ${course_id ?? 'unknown'}, enterprise ${enterprise ?? 'unknown'}`];
}

const PARKED_TEXT: Readonly<Record<ParkedFor, string>> = {
  paused: 'the integration is paused',
  failing: 'the endpoint failed again and again',
  gone: 'the endpoint responded 410',
  certificate_expired: 'the partner’s certificate has expired',
  certificate_incomplete: 'the partner’s certificate lacks a part of its chain',
};

/** Why and since when it is parked, and when it is dead-lettered; undefined if it is not parked. */
export function formatParking({ state, parked_for, parked_since }: LedgerRecord): string | undefined {
  if (state !== 'parked' || parked_since === undefined) return undefined;
  const why = parked_for === undefined ? '' : `${PARKED_TEXT[parked_for]}, `;
  const deadAt = new Date(Date.parse(parked_since) + LONGEST_PARKING_MS).toISOString();
  return `${why}since ${shortTime(parked_since)}; dead-lettered after ${shortTime(deadAt)}`;
}

function formatPayload({ event, heldUntil }: DeliveryView, showsPayload: boolean): string {
  if (event === undefined) return 'deleted';
  return `held until ${shortTime(heldUntil)}${showsPayload ? '' : '; --payload prints it'}`;
}

/** What the operator can do, as a command, or why nothing. */
export function formatNext({ webhookId, record, event, state, carrier }: DeliveryView, stageName: string): string {
  const stage = `--stage ${stageName}`;
  const reconcile = `./ltw reconcile ${stage}`;
  if (event === undefined) {
    const isCarried = ['message', 'execution', 'function'].includes(carrier.kind);
    return `${isCarried ? 'it goes on by itself' : 'nothing'}: without its payload it cannot be sent again`;
  }
  if (carrier.kind === 'lost') return `${reconcile}   resends it, once it is stuck for half an hour`;
  if (state === 'accepted' || state === 'delivering') return `it is on its way; if it stays here: ${reconcile}`;
  if (state === 'parked') {
    return `./ltw integration resume ${record?.integration_id} ${stage}   releases what is parked`;
  }
  const replay = `./ltw replay ${webhookId} ${stage}`;
  return `${replay}   sends it ${AGAIN[state] ?? 'again'}`;
}

/** How a replay sends what was never sent, or is to be sent later. */
const AGAIN: Readonly<Partial<Record<DeliveryState, string>>> = { scheduled: 'at once', cancelled: 'all the same' };

function formatAttempts({ attempts, attempt }: LedgerRecord): string {
  const rows = attempts.map(({ at, status, duration_ms, error, content_type, body_bytes }) => [
    ...[shortTime(at), status === undefined ? '-' : `HTTP ${status}`, `${formatNumber(duration_ms)} ms`],
    error === undefined ? 'delivered' : oneLine(error) + formatBody(content_type, body_bytes),
  ]);
  return `attempts: ${attempt} in this generation; the last ones of all
${alignColumns([['at', 'response', 'took', 'result'], ...rows])}`;
}

/** Of a refusal's body, which itself is printed with the payload only. */
function formatBody(contentType: string | undefined, bytes: number | undefined): string {
  const facts = [
    ...(bytes === undefined ? [] : [`${formatNumber(bytes)} bytes`]),
    ...(contentType === undefined ? [] : [contentType]),
  ];
  return facts.length === 0 ? '' : `, with ${facts.join(' of ')}`;
}

/** In the order in which they were entered last. */
function timesOf({ times }: LedgerRecord): string {
  const entered = Object.entries(times).sort(([, one], [, other]) => Date.parse(one) - Date.parse(other));
  return alignColumns([['state', 'entered last'], ...entered.map(([state, at]) => [state, shortTime(at)])]);
}

const NOT_ENRICHED_REASON_TEXT: Readonly<Record<(typeof NOT_ENRICHED_REASONS)[number], string>> = {
  not_a_completion: 'the event is no completion',
  flag_off: 'it is switched off for this enterprise, or was',
  no_data: 'the warehouse has none',
  learner_not_identified: 'user, course or enterprise are unknown',
  warehouse_unavailable: 'the warehouse did not respond',
};

/** What is known of a delivery's learning time. @param event undefined where it was deleted */
export function formatLearningTime(record: LedgerRecord | undefined, event: LedgerEvent | undefined): string {
  const enrichment = record?.enrichment ?? usualOf(record ?? event);
  switch (enrichment?.status) {
    case undefined:
      return 'not known here yet';
    case 'pending':
      return `not known yet: ${enrichment.attempts} attempts failed, the first at ${shortTime(enrichment.first_failed_at)}`;
    case 'enriched': {
      const { total_seconds, last_updated, source } = enrichment;
      return `${formatNumber(total_seconds)} s (${formatDuration(total_seconds * 1000)}) by ${last_updated.slice(0, 10)}, from the ${source}`;
    }
    case 'not_enriched':
      return `none: ${NOT_ENRICHED_REASON_TEXT[enrichment.reason]}`;
  }
}

/** Of some types it is known from the start. */
function usualOf(subject: Pick<LedgerEvent, 'event_type'> | undefined): Enrichment | undefined {
  if (subject === undefined || definitionOfType(subject.event_type).enrichment !== 'none') return undefined;
  return { status: 'not_enriched', reason: 'not_a_completion' };
}
