import { output } from '../demo/operator.ts';
import type { World } from '../demo/world.ts';

/** Lets the clock go on until no message and no execution is under way. @throws NotReached */
export async function awaitQuiet(world: World): Promise<void> {
  await world.until('nothing under way', async () => (await underWay(world)) === 0);
}

/** Messages of the queues, visible or not, and executions that run. */
async function underWay({ platform }: World): Promise<number> {
  const running = platform.stateMachine.executions().filter(({ status }) => status === 'RUNNING').length;
  const queues = ['EventsQueueUrl', 'DeliveriesQueueUrl', 'OutcomesQueueUrl'].map(async (name) => {
    const { ready, delayed, inflight } = await platform.queues.content(output(platform, name));
    return ready.length + delayed.length + inflight.length;
  });
  return (await Promise.all(queues)).reduce((sum, one) => sum + one, running);
}
