import { EventBridgeClient, PutEventsCommand } from '@aws-sdk/client-eventbridge';
import { openClient } from '../shared/aws-clients.ts';
import type { ClientWaits } from '../shared/io-deadlines.ts';
import { OPERATIONAL_EVENT_SOURCE, type OperationalEvent } from './operational-event.ts';

/** Puts one event. @returns the code of the entry's error; undefined if the bus took it @throws the client's error */
export type PutEvent = (event: OperationalEvent) => Promise<string | undefined>;

/**
 * The call of EventBridge's `PutEvents`: a file of its own, which the bundles load on demand, without the client's other
 * commands.
 */
export function createPutEvent(busName: string, deadlines: ClientWaits): PutEvent {
  const client = openClient(EventBridgeClient, deadlines);
  return async ({ type, detail }) => {
    const entry = {
      EventBusName: busName,
      Source: OPERATIONAL_EVENT_SOURCE,
      DetailType: type,
      Detail: JSON.stringify(detail),
    };
    const { FailedEntryCount = 0, Entries = [] } = await client.send(new PutEventsCommand({ Entries: [entry] }));
    return FailedEntryCount === 0 ? undefined : (Entries[0]?.ErrorCode ?? 'unknown');
  };
}
