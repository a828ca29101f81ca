import { type DeadWebhook, reportIfCritical } from '../events/critical-dead.ts';
import { type Delivery, deliverySchema, MAX_REASON_CHARACTERS, type Redrive } from '../events/delivery.ts';
import { rescueName } from '../events/identity.ts';
import { redriveOf } from '../events/progress.ts';
import { errorFields, errorName, QueueRefused } from '../shared/errors.ts';
import { isRecord } from '../shared/json.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';
import { attributeText } from '../shared/text.ts';

/** A failed execution, as `DescribeExecution` returns it. `input` is JSON; a cause is left out, it may quote the state. */
export interface FailedExecution {
  readonly name: string;
  readonly status: string;
  readonly error: string | undefined;
  readonly input: string;
}

export interface RescueServices {
  describe(executionArn: string): Promise<FailedExecution>;
  /**
   * Starts an execution of the retry workflow; one of that name that exists already counts as started.
   *
   * @returns whether there was none
   */
  start(name: string, input: unknown): Promise<boolean>;
  /** The way around the workflow: puts the input into the dead letter queue itself. @returns whether SQS took it */
  deadLetter(failed: FailedExecution): Promise<boolean>;
  readonly log: Log;
  readonly counter: Counter;
  now(): number;
}

/** How StartExecution refuses an input that it will never take: too large, with what a rescue adds. */
const UNSTARTABLE = new Set(['InvalidExecutionInput', 'ValidationException']);

/**
 * Takes what a failed execution carried to the dead letter queue, by way of the workflow: its execution is the durable
 * record that this one was rescued, so the rule's event and the sweep may both come, in any order, any number of times.
 *
 * Where the workflow cannot do it, the input is sent to the queue directly, but only for the rule's event: nothing remembers
 * that, and the sweep would send it once more.
 *
 * @throws the service's error, or QueueRefused, where the input is not safe yet
 */
export async function rescue(executionArn: string, cause: 'event' | 'sweep', services: RescueServices): Promise<void> {
  const { log, counter } = services;
  const failed = await services.describe(executionArn);
  const name = rescueName(failed.name);
  const fields = { execution: failed.name, status: failed.status, error: failed.error, cause };
  if (name !== undefined) {
    try {
      const isNew = await services.start(name, rescueInput(failed, new Date(services.now())));
      // An event that comes again may be of a rescue that ended before it was reported; the sweep finds what the rule did.
      if (isNew || cause === 'event') reportIfCritical(carriedBy(failed), services);
      if (!isNew) return log.info('execution.rescued_before', fields);
      counter.count(METRICS.executionRescued);
      return log.error('execution.rescued', fields);
    } catch (thrown) {
      log.error('execution.rescue_not_started', { ...fields, ...errorFields(thrown) });
      if (!UNSTARTABLE.has(errorName(thrown))) throw thrown;
    }
  }
  if (cause === 'sweep') return log.error('execution.rescue_impossible', fields);
  if (!(await services.deadLetter(failed))) throw new QueueRefused('the dead letter queue did not take the input');
  counter.count(METRICS.executionRescued);
  reportIfCritical(carriedBy(failed), services);
  log.error('execution.rescued_directly', fields);
}

/**
 * The input with which the workflow takes a failed execution's delivery straight to the dead letter queue. An input
 * that is no delivery (a hand-made execution, an unsupported version) goes there as it is.
 */
export function rescueInput(failed: FailedExecution, now: Date): Record<string, unknown> {
  const input: unknown = JSON.parse(failed.input);
  const read = deliverySchema.safeParse(input);
  const reason = `workflow execution ${failed.status}${failed.error ? `: ${failed.error}` : ''}`;
  const end = { due_at: now.toISOString(), outcome: 'dead', reason: attributeText(reason, MAX_REASON_CHARACTERS) };
  if (read.success) {
    const delivery: Delivery = read.data;
    return { ...delivery, progress: { ...delivery.progress, ...end, redrive: letterOf(delivery) } };
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

/** Whether its timer had fired is not known: redriven, it waits for its scheduled time, and may be superseded. */
function letterOf(delivery: Delivery): Redrive {
  const redrive = redriveOf(delivery);
  const { timed, due_at } = delivery.progress;
  return timed === undefined ? redrive : { ...redrive, progress: { ...redrive.progress, timed, due_at } };
}

/** What a failed execution carried, as far as its input can be read. */
export function carriedBy({ input }: FailedExecution): DeadWebhook {
  const read: unknown = JSON.parse(input);
  const fields = isRecord(read) ? read : {};
  return {
    webhook_id: textOf(fields, 'webhook_id'),
    integration_id: textOf(fields, 'integration_id'),
    event_type: textOf(fields, 'event_type'),
    ...(typeof fields.kind === 'string' && { kind: fields.kind }),
  };
}

/** The workflow sends it as an attribute. */
function textOf(fields: Record<string, unknown>, name: string): string {
  const value = fields[name];
  return attributeText(typeof value === 'string' ? value : '', MAX_REASON_CHARACTERS);
}
