import { startChild } from '../child.ts';
import { startSurroundings } from '../delivery/surroundings.ts';
import { startSender } from '../sender.ts';
import type { ServerUse } from '../server-use.ts';
import {
  type Accepted,
  type Counted,
  type Delivered,
  type Order,
  type Outcome,
  PARTNER_DELAY_MS,
  TABLE_LATENCY_MS,
} from './orders.ts';
import type { TableUse } from './table.ts';

/** Everything that takes part: sender, partner, table and gate, each in a process of its own. */
export interface Processes {
  prepare(order: Omit<Extract<Order, { kind: 'prepare' }>, 'kind'>): Promise<Accepted>;
  deliver(order: Omit<Extract<Order, { kind: 'deliver' }>, 'kind'>): Promise<Delivered>;
  count(batches: number): Promise<Counted>;
  partnerUse(): Promise<ServerUse>;
  tableUse(): Promise<TableUse>;
  stop(): Promise<void>;
}

/**
 * @param profileDirectory where the sender's CPU profile is written as it ends
 * @throws Error where one of them does not start; the others are stopped then
 */
export async function startProcesses(profileDirectory?: string): Promise<Processes> {
  const {
    variables,
    partnerUse,
    stop: stopSurroundings,
  } = await startSurroundings({ partnerDelayMs: PARTNER_DELAY_MS });
  const table = startChild(new URL('./table.ts', import.meta.url));
  const stop = async () => {
    await table.stop();
    await stopSurroundings();
  };
  try {
    const endpoint = `http://127.0.0.1:${await table.ask({ latencyMs: TABLE_LATENCY_MS })}`;
    const file = new URL('./sender.ts', import.meta.url);
    const environment = { ...variables, AWS_ENDPOINT_URL_DYNAMODB: endpoint };
    const sender = await startSender<Order, Outcome>(file, environment, profileDirectory);
    return {
      prepare: async (order) => (await sender.perform({ kind: 'prepare', ...order })) as Accepted,
      deliver: async (order) => (await sender.perform({ kind: 'deliver', ...order })) as Delivered,
      count: async (batches) => (await sender.perform({ kind: 'count', batches })) as Counted,
      partnerUse,
      tableUse: async () => (await table.ask('use')) as TableUse,
      async stop() {
        await sender.stop();
        await stop();
      },
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}
