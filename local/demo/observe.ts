import { cancellationOf, describeMoment } from './describe-execution.ts';
import type { Evidence, LogFields } from './evidence.ts';
import type { Scenario } from './scenario.ts';

/** What became of a scenario's messages so far, in words that its `expected` uses. */
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

/** Whether webhooks came as slowly as they should. */
function describePace(webhookIds: readonly string[], gapMs: number, { receipts }: Evidence): string {
  const times = receipts
    .filter(({ headers }) => webhookIds.includes(String(headers['webhook-id'])))
    .map(({ received_at }) => Date.parse(received_at));
  if (times.length < 2) return '';
  const spanMs = Math.max(...times) - Math.min(...times);
  return spanMs >= ((times.length - 1) * gapMs) / 2 ? ', spread out' : `, all within ${spanMs} ms`;
}

/** Of two events for one learner the second finds the first one's answer in the cache, or shares its query. */
function withoutSource(outcome: string): string {
  return outcome.replace(/enriched from (cache|warehouse)/, 'enriched');
}

/** Whether it is what was expected; the source of an answer counts only where the expectation names it. */
export function isAsExpected({ expected }: Scenario, observed: string): boolean {
  return [observed, withoutSource(observed)].includes(expected);
}

/** What never became a webhook: dead-lettered on entry, or filtered. */
function observeRefusal(messages: readonly string[], evidence: Evidence): string {
  const letter = evidence.eventDeadLetters.find(({ body }) => messages.includes(body));
  if (letter !== undefined) return `events dead letter: ${letter.reason}`;
  const filtered = evidence.logs.find(
    (line) =>
      line.message === 'event.filtered' && messages.some((message) => message.includes(`"${line.integration_id}"`)),
  );
  return filtered === undefined ? 'nothing yet' : `filtered: ${filtered.reason}`;
}

function observeWebhook(id: string, evidence: Evidence): string {
  const letters = evidence.deliveryDeadLetters.filter(({ webhookId }) => webhookId === id);
  // Where nothing could be sent, the try's words are the dead letter's.
  const isSaidBelow = (line: LogFields) =>
    line.status === undefined && letters.some(({ reason }) => reason === line.response);
  const tries = evidence.logs.filter(
    (line) => line.message === 'delivery.attempted' && line.webhook_id === id && !isSaidBelow(line),
  );
  const retries = evidence.enrichmentRetries.get(id) ?? 0;
  const cancellation = cancellationOf(evidence.executions.get(id) ?? []);
  const parts = [
    ...(retries > 0 ? [`${retries} ${retries === 1 ? 'retry' : 'retries'}`] : []),
    ...runs(tries.map((line) => describeTry(id, line, evidence))),
    ...letters.map(({ reason }) => `dead letter: ${reason}`),
    ...(cancellation === undefined ? [] : [`cancelled: ${withoutWebhook(cancellation)}`]),
    ...(hasWrongSignature(id, evidence) ? ['signature does not verify'] : []),
  ];
  return `${momentOf(id, evidence)}${parts.join(', ') || 'nothing yet'}`;
}

/** `after 5 minutes: ` of a webhook that waited for its moment, once its partner has received it. */
function momentOf(id: string, { receipts, executions }: Evidence): string {
  const first = receipts.find(({ headers }) => headers['webhook-id'] === id);
  if (first === undefined) return '';
  const moment = describeMoment(executions.get(id) ?? [], Date.parse(first.received_at));
  return moment === undefined ? '' : `${moment}: `;
}

/** Whose place it was, a table has no room for: ids have 43 characters. */
function withoutWebhook(reason: string): string {
  return reason.replace(/: wh_[0-9a-f]{40}$/, '');
}

function hasWrongSignature(id: string, { receipts }: Evidence): boolean {
  return receipts.some(({ headers, verified }) => headers['webhook-id'] === id && !verified);
}

/** One try, by what the function logged; learning time by what the partner received. */
function describeTry(id: string, line: LogFields, evidence: Evidence): string {
  if (line.status === undefined) return String(line.response).replace('no response: ', '');
  if (line.outcome !== 'delivered') return String(line.status);
  const receipt = evidence.receipts.findLast(({ headers }) => headers['webhook-id'] === id);
  const { learning_time: time, course } = JSON.parse(receipt?.body ?? '{}');
  const how = String(line.enrichment);
  if (receipt === undefined) return `${line.status}, but no partner received it`;
  // What is about no course could have none: a lead.
  if (how === 'not_a_completion' && course === undefined) return String(line.status);
  // A payload may hold a learning_time of its own.
  if (!how.startsWith('enriched')) return `${line.status} without learning time (${how})`;
  // Other payload formats have it elsewhere.
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
