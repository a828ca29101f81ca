import { cancellationOf, describeDelay } from './describe-execution.ts';
import type { Evidence, LogFields } from './evidence.ts';
import type { Scenario } from './scenario.ts';

/** The outcome of a scenario's messages so far, comparable with `expected`. */
export function observe(scenario: Scenario, evidence: Evidence): string {
  const { webhookIds, messages, paceMs, describe } = scenario;
  const described = describe?.(webhookIds, evidence);
  if (described !== undefined) return described;
  const outcome = observeAll(webhookIds, messages, evidence);
  return paceMs === undefined ? outcome : `${outcome}${describePace(webhookIds, paceMs, evidence)}`;
}

function observeAll(webhookIds: readonly string[], messages: readonly string[], evidence: Evidence): string {
  if (webhookIds.length === 0) return observeRefusal(messages, evidence);
  const outcomes = webhookIds.map((id) => observeWebhook(id, evidence));
  if (outcomes.length === 1) return outcomes[0] ?? '';
  for (const list of [outcomes, outcomes.map(withoutSource)]) {
    if (list.every((outcome) => outcome === list[0])) return `${list.length} webhooks, each ${list[0]}`;
  }
  return outcomes.join('; ');
}

/** Whether webhooks arrived at the expected pace. */
function describePace(webhookIds: readonly string[], gapMs: number, { receipts }: Evidence): string {
  const times = receipts
    .filter(({ headers }) => webhookIds.includes(String(headers['webhook-id'])))
    .map(({ received_at }) => Date.parse(received_at));
  if (times.length < 2) return '';
  const spanMs = Math.max(...times) - Math.min(...times);
  return spanMs >= ((times.length - 1) * gapMs) / 2 ? ', spread out' : `, all within ${spanMs} ms`;
}

/** The second event of a learner finds the first one's result in the cache, or shares its query. */
function withoutSource(outcome: string): string {
  return outcome.replace(/enriched from (cache|warehouse)/, 'enriched');
}

/** Whether an outcome is as expected; the source of learning time counts only if the expectation names it. */
export function isAsExpected({ expected }: Scenario, observed: string): boolean {
  return [observed, withoutSource(observed)].includes(expected);
}

/** The outcome of events without a webhook: rejected or filtered. */
function observeRefusal(messages: readonly string[], evidence: Evidence): string {
  const deadLetter = evidence.eventDeadLetters.find(({ body }) => messages.includes(body));
  if (deadLetter !== undefined) return `event dead-lettered: ${deadLetter.reason}`;
  const filtered = evidence.logs.find(
    (line) =>
      line.message === 'event.filtered' && messages.some((message) => message.includes(`"${line.integration_id}"`)),
  );
  return filtered === undefined ? 'nothing yet' : `filtered: ${filtered.reason}`;
}

function observeWebhook(id: string, evidence: Evidence): string {
  const deadLetters = evidence.deliveryDeadLetters.filter(({ webhookId }) => webhookId === id);
  // If nothing could be sent, the attempt has the reason of the dead-letter message.
  const isSaidBelow = (line: LogFields) =>
    line.status === undefined && deadLetters.some(({ reason }) => reason === line.response);
  const attempts = evidence.logs.filter(
    (line) => line.message === 'delivery.attempted' && line.webhook_id === id && !isSaidBelow(line),
  );
  const retries = evidence.enrichmentRetries.get(id) ?? 0;
  const cancellation = cancellationOf(evidence.executions.get(id) ?? []);
  const parts = [
    ...(retries > 0 ? [`${retries} ${retries === 1 ? 'retry' : 'retries'}`] : []),
    ...runs(attempts.map((line) => describeAttempt(id, line, evidence))),
    ...deadLetters.map(({ reason }) => `dead-lettered: ${reason}`),
    ...(cancellation === undefined ? [] : [`cancelled: ${withoutWebhook(cancellation)}`]),
    ...(hasWrongSignature(id, evidence) ? ['signature does not verify'] : []),
  ];
  return `${delayOf(id, evidence)}${parts.join(', ') || 'nothing yet'}`;
}

/** `after 5 minutes: ` for a scheduled webhook that its partner has received. */
function delayOf(id: string, { receipts, executions }: Evidence): string {
  const first = receipts.find(({ headers }) => headers['webhook-id'] === id);
  if (first === undefined) return '';
  const delay = describeDelay(executions.get(id) ?? [], Date.parse(first.received_at));
  return delay === undefined ? '' : `${delay}: `;
}

/** Removes the webhook's id, whose 43 characters do not fit into the table. */
function withoutWebhook(reason: string): string {
  return reason.replace(/: wh_[0-9a-f]{40}$/, '');
}

function hasWrongSignature(id: string, { receipts }: Evidence): boolean {
  return receipts.some(({ headers, verified }) => headers['webhook-id'] === id && !verified);
}

/** One attempt by the function's log, with the learning time that the partner received. */
function describeAttempt(id: string, line: LogFields, evidence: Evidence): string {
  if (line.status === undefined) return String(line.response).replace('no response: ', '');
  if (line.outcome !== 'delivered') return String(line.status);
  const receipt = evidence.receipts.findLast(({ headers }) => headers['webhook-id'] === id);
  const { learning_time: time, course } = JSON.parse(receipt?.body ?? '{}');
  const how = String(line.enrichment);
  if (receipt === undefined) return `${line.status}, but no partner received it`;
  // Events without a course, such as leads, have no learning time.
  if (how === 'not_a_completion' && course === undefined) return String(line.status);
  // A payload may have its own learning_time.
  if (!how.startsWith('enriched')) return `${line.status} without learning time (${how})`;
  // Other payload formats have it in other fields.
  return time?.total_seconds === undefined
    ? `${line.status} with learning time (${how})`
    : `${line.status} with ${time.total_seconds} s (${time.total_hours} h, ${how})`;
}

/** `a, a, b` as `2 x a, b`. */
function runs(texts: readonly string[]): string[] {
  const counted: { text: string; times: number }[] = [];
  for (const text of texts) {
    const last = counted.at(-1);
    if (last?.text === text) last.times += 1;
    else counted.push({ text, times: 1 });
  }
  return counted.map(({ text, times }) => (times === 1 ? text : `${times} x ${text}`));
}
