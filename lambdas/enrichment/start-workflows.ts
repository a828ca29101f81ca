import type { Delivery } from '../events/delivery.ts';
import type { Ledger } from '../ledger/ports.ts';
import { errorFields, errorName } from '../shared/errors.ts';
import type { Log } from '../shared/log.ts';

export interface StartWorkflowsServices {
  readonly ledger: Ledger;
  readonly log: Log;
  /** Time until this invocation's timeout, in milliseconds. */
  remainingMs(): number;
}

/** The delivery that an execution carries, with its ledger token; or why its message must be redelivered. */
export type Carried = { readonly delivery: Delivery; readonly token: string } | { readonly fault: string };

/** Executions started in parallel; StartExecution allows 1,300 in a burst in the smaller regions. */
const STARTS_AT_ONCE = 40;

/**
 * Longest duration of one start with what follows it, in milliseconds: the start 2.5 s, the ledger 6 s, the outcomes queue
 * 1 s, dead-lettering 2.5 s. With less time left, nothing is started: at the function's timeout SQS would redeliver the whole
 * batch.
 */
export const SLOWEST_START_MS = 12_500;

/**
 * Starts a workflow for each delivery, by message id, and records the execution that carries it. If a workflow does not start,
 * its message fails.
 *
 * @param start may be called again on redelivery, if the function was killed before the record was written; returns
 *   undefined if there is nothing to record
 */
export async function startWorkflows(
  deliveries: ReadonlyMap<string, Delivery>,
  failures: Map<string, string>,
  services: StartWorkflowsServices,
  start: (delivery: Delivery) => Promise<Carried | undefined>,
): Promise<void> {
  const waiting = [...deliveries];
  const record = ({ delivery, token }: Exclude<Carried, { fault: string }>) =>
    services.ledger.settleUnclaimed(delivery, { progress: { ...delivery.progress, outcome: 'retry' }, token });
  const startNext = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [id, delivery] = next;
      if (services.remainingMs() < SLOWEST_START_MS) {
        failures.set(id, 'no time left to start its workflow');
        continue;
      }
      try {
        const carried = await start(delivery);
        if (carried === undefined) continue;
        if ('fault' in carried) failures.set(id, carried.fault);
        else await record(carried);
      } catch (thrown) {
        failures.set(id, `the workflow did not start: ${errorName(thrown)}`);
        services.log.error('workflow.start_failed', { webhook_id: delivery.webhook_id, ...errorFields(thrown) });
      }
    }
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startNext));
}
