import { type Acceptance, acceptEvent } from '../../lambdas/enrichment/accept-event.ts';
import type { IntegrationRegistry } from '../../lambdas/partners/integration-registry.ts';
import { NotReached, type UntilOptions } from '../clock/clock.ts';
import { cancellationOf, describeWait } from './describe-execution.ts';
import type { Evidence } from './evidence.ts';
import { observe } from './observe.ts';
import { output } from './operator.ts';
import type { FileEvent } from './read-events.ts';
import type { Session } from './session.ts';

/** The outcome of one event of the user's file. */
export interface OwnOutcome {
  readonly line: number;
  readonly eventType: string;
  readonly integrationId: string;
  readonly webhookId: string;
  readonly outcome: string;
  /** Delivered, dead-lettered, cancelled or filtered. */
  readonly isFinal: boolean;
}

interface Published {
  readonly event: FileEvent;
  /** The acceptance, for the webhook's id; the outcome is observed, not derived from it. */
  readonly acceptance: Acceptance;
  /** Why SQS rejected it. */
  readonly refusal: string | undefined;
}

/** Publishes events to a session, and runs its clock until each has a final outcome or the limit is reached. */
export async function playOwnEvents(
  session: Session,
  events: readonly FileEvent[],
  options: UntilOptions = {},
): Promise<OwnOutcome[]> {
  const published: Published[] = [];
  for (const event of events) published.push(await publish(session, event, session.integrations));
  const webhookIds = published.flatMap(({ acceptance }) => webhookIdsOf(acceptance));
  const isOver = async () => {
    const outcomes = await outcomesOf(published, session);
    return outcomes.every(({ isFinal }, index) => isFinal || published[index]?.refusal !== undefined);
  };
  try {
    await session.until('every event ended', async () => (await isOver()) && isQuiet(session, webhookIds), options);
  } catch (thrown) {
    if (!(thrown instanceof NotReached)) throw thrown;
  }
  return outcomesOf(published, session);
}

async function publish(session: Session, event: FileEvent, registry: IntegrationRegistry): Promise<Published> {
  const acceptance = acceptEvent(event.body, registry, Date.now());
  const refusal = await session.publish([event.body]).then(
    () => undefined,
    (thrown: unknown) => `not published: SQS responded ${(thrown as Error).name}`,
  );
  return { event, acceptance, refusal };
}

async function outcomesOf(published: readonly Published[], session: Session): Promise<OwnOutcome[]> {
  const evidence = await session.evidence(published.flatMap(({ acceptance }) => webhookIdsOf(acceptance)));
  return published.map((one) => outcomeOf(one, evidence));
}

function outcomeOf({ event, acceptance, refusal }: Published, evidence: Evidence): OwnOutcome {
  const [webhookId = '-'] = webhookIdsOf(acceptance);
  const row = { line: event.line, ...namesOf(event.body, acceptance), webhookId };
  if (refusal !== undefined) return { ...row, outcome: refusal, isFinal: false };
  // Events that wait longer than the limit are recognized by the pipeline's clock.
  const isDeadLettered = evidence.eventDeadLetters.some(({ body }) => body === event.body);
  if (acceptance.verdict === 'accepted' && !isDeadLettered) return { ...row, ...webhookOutcome(webhookId, evidence) };
  if (acceptance.verdict === 'filtered') {
    const isSeen = evidence.logs.some(
      ({ message, reason }) => message === 'event.filtered' && reason === acceptance.reason,
    );
    return { ...row, outcome: isSeen ? `filtered: ${acceptance.reason}` : 'nothing yet', isFinal: isSeen };
  }
  const scenario = { name: '', messages: [event.body], webhookIds: [], expected: '' };
  return { ...row, outcome: observe(scenario, evidence), isFinal: isDeadLettered };
}

function webhookOutcome(id: string, evidence: Evidence): Pick<OwnOutcome, 'outcome' | 'isFinal'> {
  const seen = observe({ name: '', messages: [], webhookIds: [id], expected: '' }, evidence);
  const filtered = evidence.logs.find(({ message, webhook_id }) => message === 'event.filtered' && webhook_id === id);
  const isDelivered = evidence.logs.some(({ webhook_id, outcome }) => webhook_id === id && outcome === 'delivered');
  const isDead = evidence.deliveryDeadLetters.some(({ webhookId }) => webhookId === id);
  if (filtered !== undefined) return { outcome: `filtered: ${filtered.reason}`, isFinal: true };
  const executions = evidence.executions.get(id) ?? [];
  const isCancelled = cancellationOf(executions) !== undefined;
  if (isDelivered || isDead || isCancelled) return { outcome: seen, isFinal: true };
  const execution = executions.find(({ status }) => status === 'RUNNING');
  if (execution === undefined) return { outcome: seen, isFinal: false };
  const attempts = seen === 'nothing yet' ? '' : `${seen}, `;
  return { outcome: `${attempts}${describeWait(execution)}`, isFinal: false };
}

function webhookIdsOf(acceptance: Acceptance): string[] {
  return acceptance.verdict === 'accepted' ? [acceptance.subject.webhook_id] : [];
}

/** Type and integration for the table, if the event has valid ones. */
function namesOf(body: string, acceptance: Acceptance): Pick<OwnOutcome, 'eventType' | 'integrationId'> {
  if (acceptance.verdict === 'accepted') {
    return { eventType: acceptance.subject.event_type, integrationId: acceptance.subject.integration_id };
  }
  let event: Readonly<Record<string, unknown>> = {};
  try {
    event = Object(JSON.parse(body));
  } catch {
    // Malformed events are published too.
  }
  return { eventType: legible(event.event_type), integrationId: legible(event.integration_id) };
}

function legible(value: unknown): string {
  return typeof value === 'string' && /^[\w-]{1,64}$/.test(value) ? value : '-';
}

/**
 * Whether there are no messages and no running executions: a duplicate may arrive after the first event's end. An event that
 * was rescheduled to an earlier time leaves a waiting execution, which sends nothing.
 */
function isQuiet({ platform }: Session, webhookIds: readonly string[]): boolean {
  const queues = ['EventsQueueUrl', 'DeliveriesQueueUrl'];
  if (queues.some((name) => platform.queues.messages(output(platform, name)).length > 0)) return false;
  const newest = webhookIds.flatMap((id) => platform.stateMachine.executionsNamed(id).slice(0, 1));
  return newest.every(({ status }) => status !== 'RUNNING');
}
