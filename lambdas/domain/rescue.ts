import { type Delivery, deliverySchema, MAX_REASON_CHARACTERS, type Redrive } from '../contract/delivery.ts';
import { attributeText } from '../contract/text.ts';
import type { GivenUp } from './critical-dead.ts';
import { redriveOf } from './progress.ts';

/** A failed execution, as `DescribeExecution` tells it. `input` is JSON; a cause is left out, it may quote the state. */
export interface FailedExecution {
  readonly name: string;
  readonly status: string;
  readonly error: string | undefined;
  readonly input: string;
}

/**
 * The input with which the workflow takes a failed execution's delivery straight to the dead letter queue. An input
 * that is no delivery (a hand-made execution, a version nobody reads any more) goes there as it is.
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
  const fields = isObject(input) ? input : { input };
  const progress = isObject(input) && isObject(input.progress) ? input.progress : {};
  return {
    ...fields,
    integration_id: textOf(fields, 'integration_id'),
    webhook_id: textOf(fields, 'webhook_id'),
    progress: { ...progress, ...end, redrive: { progress } },
  };
}

/** Nobody knows whether it had woken: redriven, it waits for its moment, and a later event may take its place. */
function letterOf(delivery: Delivery): Redrive {
  const redrive = redriveOf(delivery);
  const { timed, due_at } = delivery.progress;
  return timed === undefined ? redrive : { ...redrive, progress: { ...redrive.progress, timed, due_at } };
}

/** What a failed execution carried, as far as its input says: one that is no delivery says what it can. */
export function carriedBy({ input }: FailedExecution): GivenUp {
  const read: unknown = JSON.parse(input);
  const fields = isObject(read) ? read : {};
  return {
    webhook_id: textOf(fields, 'webhook_id'),
    integration_id: textOf(fields, 'integration_id'),
    event_type: textOf(fields, 'event_type'),
    ...(typeof fields.kind === 'string' && { kind: fields.kind }),
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The workflow sends it as an attribute. */
function textOf(fields: Record<string, unknown>, name: string): string {
  const value = fields[name];
  return attributeText(typeof value === 'string' ? value : '', MAX_REASON_CHARACTERS);
}
