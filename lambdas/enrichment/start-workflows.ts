import type { Delivery } from '../contract/delivery.ts';
import { errorFields, errorName } from '../contract/errors.ts';
import type { EnrichEventsServices } from './enrich-events-services.ts';

/** A delivery as its execution has it, and what the ledger knows that by; or why its message must come again. */
export type Carried = { readonly delivery: Delivery; readonly token: string } | { readonly fault: string };

/** Executions started side by side; StartExecution allows 1,300 in a burst in the smaller regions. */
const STARTS_AT_ONCE = 40;

/**
 * What one start and what follows it may take where everything hangs, in milliseconds: the start 2.5 s, the ledger 6 s, the outcomes queue 1 s,
 * dead-lettering 2.5 s. With less time left none begins: it would run into the function's timeout, which brings the whole batch
 * back.
 */
export const SLOWEST_START_MS = 12_500;

/**
 * Starts a workflow for each delivery, by its message's id, and writes down which one carries it. Those that do not start
 * become failed messages.
 *
 * @param start whoever is killed before it is written down comes here again. Undefined where nothing is to be written
 */
export async function startWorkflows(
  deliveries: ReadonlyMap<string, Delivery>,
  failures: Map<string, string>,
  services: EnrichEventsServices,
  start: (delivery: Delivery) => Promise<Carried | undefined>,
): Promise<void> {
  const waiting = [...deliveries];
  const note = ({ delivery, token }: Exclude<Carried, { fault: string }>) =>
    services.ledger.note(delivery, { progress: { ...delivery.progress, outcome: 'retry' }, token });
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
        else await note(carried);
      } catch (thrown) {
        failures.set(id, `the workflow did not start: ${errorName(thrown)}`);
        services.log.error('workflow.start_failed', { webhook_id: delivery.webhook_id, ...errorFields(thrown) });
      }
    }
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startNext));
}
