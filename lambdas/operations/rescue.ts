import { errorFields, errorName, QueueRefused } from '../contract/errors.ts';
import type { Log } from '../contract/log.ts';
import { type Counter, METRICS } from '../contract/metrics.ts';
import { tellIfCritical } from '../domain/critical-dead.ts';
import { rescueName } from '../domain/identity.ts';
import { carriedBy, type FailedExecution, rescueInput } from '../domain/rescue.ts';

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
      if (isNew || cause === 'event') tellIfCritical(carriedBy(failed), services);
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
  tellIfCritical(carriedBy(failed), services);
  log.error('execution.rescued_directly', fields);
}
