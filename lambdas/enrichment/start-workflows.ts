import type { Delivery } from '../contract/delivery.ts';
import type { Started } from '../contract/delivery-ports.ts';
import { errorFields, errorName } from '../contract/errors.ts';
import type { EnrichEventsServices } from './enrich-events-services.ts';

/** Executions started side by side; StartExecution allows 1,300 in a burst in the smaller regions. */
export const STARTS_AT_ONCE = 40;

/**
 * Starts a workflow for each delivery, by its message's id, and writes down which one carries it. Those that do not start
 * become failed messages.
 *
 * @param onStarted before it is written down: whoever is killed in between comes here again. Why its message must come
 * again, or undefined where all is well
 */
export async function startWorkflows(
  deliveries: ReadonlyMap<string, Delivery>,
  failures: Map<string, string>,
  services: EnrichEventsServices,
  onStarted: (delivery: Delivery, started: Started) => string | undefined | Promise<string | undefined>,
): Promise<void> {
  const waiting = [...deliveries];
  const startNext = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const [id, delivery] = next;
      try {
        const started = await services.workflow.start(delivery);
        const fault = await onStarted(delivery, started);
        if (fault !== undefined) {
          failures.set(id, fault);
          continue;
        }
        const { token } = started;
        await services.ledger.note(delivery, { progress: { ...delivery.progress, outcome: 'retry' }, token });
      } catch (thrown) {
        failures.set(id, `the workflow did not start: ${errorName(thrown)}`);
        services.log.error('workflow.start_failed', { webhook_id: delivery.webhook_id, ...errorFields(thrown) });
      }
    }
  };
  await Promise.all(Array.from({ length: STARTS_AT_ONCE }, startNext));
}
