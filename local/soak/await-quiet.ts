import { setTimeout as sleep } from 'node:timers/promises';
import { output } from '../demo/operator.ts';
import type { World } from '../demo/world.ts';

const LOOK_EVERY_MS = 500;

/** How long everything must stay quiet: between two queues a message is in none for a moment. */
const QUIET_FOR_MS = 2_000;

/** Waits until no message and no execution is under way. @throws Error after `limitMs` */
export async function awaitQuiet(world: World, limitMs: number): Promise<void> {
  const giveUpAt = Date.now() + limitMs;
  let quietSince: number | undefined;
  for (;;) {
    const left = await underWay(world);
    if (left > 0) quietSince = undefined;
    else quietSince ??= Date.now();
    if (quietSince !== undefined && Date.now() - quietSince >= QUIET_FOR_MS) return;
    if (Date.now() > giveUpAt) throw new Error(`not quiet within ${limitMs / 1000} s: ${left} are under way`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** Messages of both queues and executions that run. */
async function underWay({ platform }: World): Promise<number> {
  const running = platform.stateMachine.executions().filter(({ status }) => status === 'RUNNING').length;
  const queues = ['EventsQueueUrl', 'DeliveriesQueueUrl'].map(async (name) => {
    const { ready, delayed, inflight } = await platform.queues.content(output(platform, name));
    return ready.length + delayed.length + inflight.length;
  });
  return (await Promise.all(queues)).reduce((sum, one) => sum + one, running);
}
