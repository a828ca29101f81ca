import { startSender } from '../sender.ts';
import type { Load, Order, Performance } from './loads.ts';
import { type Surroundings, startSurroundings } from './surroundings.ts';

/** Everything that takes part, each in a process of its own: who is measured shares its event loop with nobody. */
export interface Processes {
  perform(load: Load, durationMs: number): Promise<Performance>;
  /** How many requests the partner has had. */
  partnerRequests(): Promise<number>;
  stop(): Promise<void>;
}

/**
 * @param profileDirectory where the sender's CPU profile is written as it ends
 * @throws Error where one of them does not start; the others are stopped then
 */
export async function startProcesses(profileDirectory?: string): Promise<Processes> {
  const surroundings = await startSurroundings();
  const sender = await startSenderIn(surroundings, profileDirectory);
  return {
    perform: (load, durationMs) => sender.perform({ load, durationMs }),
    partnerRequests: async () => (await surroundings.partnerUse()).requests,
    async stop() {
      await sender.stop();
      await surroundings.stop();
    },
  };
}

async function startSenderIn({ variables, stop }: Surroundings, profileDirectory?: string) {
  try {
    const file = new URL('./sender.ts', import.meta.url);
    return await startSender<Order, Performance>(file, variables, profileDirectory);
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}
