import { type DeadDelivery, reportIfCritical } from '../events/critical-dead.ts';
import { type Delivery, deliverySchema, MAX_REASON_CHARACTERS, type Redrive } from '../events/delivery.ts';
import { rescueName } from '../events/identity.ts';
import { deadLettered, type OperationalEvents } from '../events/operational-event.ts';
import { redriveOf } from '../events/progress.ts';
import { errorFields, errorName, QueueRefused } from '../shared/errors.ts';
import { isRecord } from '../shared/json.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';
import { attributeText } from '../shared/text.ts';

/**
 * A failed execution from `DescribeExecution`. `input` is JSON. The cause is omitted, because it may quote the state.
 */
export interface FailedExecution {
  readonly name: string;
  readonly status: string;
  readonly error: string | undefined;
  readonly input: string;
}

export interface RescueServices {
  describe(executionArn: string): Promise<FailedExecution>;
  /**
   * Starts an execution of the retry workflow, unless one of that name exists.
   *
   * @returns whether it is new
   */
  start(name: string, input: unknown): Promise<boolean>;
  /** Sends the input to the dead letter queue directly, without the workflow. @returns whether SQS accepted it */
  deadLetter(failed: FailedExecution): Promise<boolean>;
  readonly events: OperationalEvents;
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
}

/** Errors of StartExecution for an input that it never accepts: too large, with the fields that a rescue adds. */
const UNSTARTABLE = new Set(['InvalidExecutionInput', 'ValidationException']);

/**
 * Dead-letters the delivery of a failed execution, through a new execution of the workflow. That execution is the
 * durable record of the rescue, so the rule's event and the sweep may both rescue, in any order and any number of
 * times.
 *
 * If the workflow cannot start, the rule's event sends the input to the queue directly. The sweep does not: without a
 * record it would send the input again in each run.
 *
 * @throws the service's error, or QueueRefused, if the input is not dead-lettered yet
 */
export async function rescue(executionArn: string, cause: 'event' | 'sweep', services: RescueServices): Promise<void> {
  const { log, counter } = services;
  const failed = await services.describe(executionArn);
  const name = rescueName(failed.name);
  const fields = { execution: failed.name, status: failed.status, error: failed.error, cause };
  if (name !== undefined) {
    try {
      const isNew = await services.start(name, rescueInput(failed, new Date(services.now())));
      // A repeated event may follow a rescue that was killed before its report. The sweep also finds rescued executions.
      if (isNew || cause === 'event') reportIfCritical(carriedBy(failed), services);
      if (!isNew) return log.info('execution.rescued_before', fields);
      counter.count(METRICS.executionRescued);
      await announceDead(failed, services);
      return log.error('execution.rescued', fields);
    } catch (thrown) {
      log.error('execution.rescue_not_started', { ...fields, ...errorFields(thrown) });
      if (!UNSTARTABLE.has(errorName(thrown))) throw thrown;
    }
  }
  if (cause === 'sweep') return log.error('execution.rescue_impossible', fields);
  if (!(await services.deadLetter(failed))) throw new QueueRefused('the dead letter queue refused the input');
  counter.count(METRICS.executionRescued);
  reportIfCritical(carriedBy(failed), services);
  await announceDead(failed, services);
  log.error('execution.rescued_directly', fields);
}

/** By the function whose execution, or message, is the record of the rescue. An input that is no delivery has no event. */
async function announceDead({ input }: FailedExecution, { events, now }: RescueServices): Promise<void> {
  const read = deliverySchema.safeParse(JSON.parse(input));
  if (!read.success) return;
  const { webhook_id, integration_id } = read.data;
  await events.put(deadLettered(webhook_id, 'workflow_failed', { integrationId: integration_id, atMs: now() }));
}

/**
 * The input with which the workflow dead-letters a failed execution's delivery immediately. An input that is no
 * delivery (of a manual execution, or an unsupported version) is dead-lettered unchanged.
 */
export function rescueInput(failed: FailedExecution, now: Date): Record<string, unknown> {
  const input: unknown = JSON.parse(failed.input);
  const read = deliverySchema.safeParse(input);
  const reason = `workflow execution ${failed.status}${failed.error ? `: ${failed.error}` : ''}`;
  const end = { due_at: now.toISOString(), outcome: 'dead', reason: attributeText(reason, MAX_REASON_CHARACTERS) };
  if (read.success) {
    const delivery: Delivery = read.data;
    return { ...delivery, progress: { ...delivery.progress, ...end, redrive: rescuedRedrive(delivery) } };
  }
  const fields = isRecord(input) ? input : { input };
  const progress = isRecord(input) && isRecord(input.progress) ? input.progress : {};
  return {
    ...fields,
    integration_id: textOf(fields, 'integration_id'),
    webhook_id: textOf(fields, 'webhook_id'),
    progress: { ...progress, ...end, redrive: { progress } },
  };
}

/**
 * Keeps the scheduled time, because it is not known whether the timer fired: after a redrive a later event may
 * supersede it.
 */
function rescuedRedrive(delivery: Delivery): Redrive {
  const redrive = redriveOf(delivery);
  const { timed, due_at } = delivery.progress;
  return timed === undefined ? redrive : { ...redrive, progress: { ...redrive.progress, timed, due_at } };
}

/** The delivery of a failed execution, as far as its input can be read. */
export function carriedBy({ input }: FailedExecution): DeadDelivery {
  const read: unknown = JSON.parse(input);
  const fields = isRecord(read) ? read : {};
  return {
    webhook_id: textOf(fields, 'webhook_id'),
    integration_id: textOf(fields, 'integration_id'),
    event_type: textOf(fields, 'event_type'),
    ...(typeof fields.kind === 'string' && { kind: fields.kind }),
  };
}

/** A field as text that is valid as an SQS message attribute. */
function textOf(fields: Record<string, unknown>, name: string): string {
  const value = fields[name];
  return attributeText(typeof value === 'string' ? value : '', MAX_REASON_CHARACTERS);
}
