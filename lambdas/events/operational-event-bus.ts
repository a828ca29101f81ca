import { errorFields } from '../shared/errors.ts';
import type { ClientWaits } from '../shared/io-deadlines.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, METRICS } from '../shared/metric-definitions.ts';
import type { OperationalEvents } from './operational-event.ts';
import type { PutEvent } from './put-events.ts';

export interface OperationalEventBusOptions {
  readonly busName: string;
  readonly deadlines: ClientWaits;
  readonly log: Log;
  readonly counter: Counter;
}

/**
 * Puts operational events on the stage's event bus. Most invocations put none, so the SDK's client is loaded with the first
 * event, and not on a cold start.
 */
export function createOperationalEventBus(options: OperationalEventBusOptions): OperationalEvents {
  const { busName, deadlines, log, counter } = options;
  let putEvent: PutEvent | undefined;

  return {
    async put(event) {
      const { type, detail } = event;
      const fields = { type, integration_id: detail.integration_id, reason: detail.reason };
      try {
        const { createPutEvent } = await import('./put-events.ts');
        putEvent ??= createPutEvent(busName, deadlines);
        const errorCode = await putEvent(event);
        if (errorCode === undefined) {
          log.info('operational_event.sent', fields);
          return true;
        }
        log.error('operational_event.refused', { ...fields, error: errorCode });
      } catch (thrown) {
        log.error('operational_event.failed', { ...fields, ...errorFields(thrown) });
      }
      counter.count(METRICS.operationalEventFailed);
      return false;
    },
  };
}
