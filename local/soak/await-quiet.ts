import { setTimeout as sleep } from 'node:timers/promises';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { output } from '../demo/operator.ts';
import type { World } from '../demo/world.ts';

const LOOK_EVERY_MS = 500;

/** How long everything must stay quiet: between two queues a message is in none for a moment. */
const QUIET_FOR_MS = 2_000;

/** How often it is told how many are left. */
const TELL_EVERY_MS = 15_000;

/**
 * Waits until no message and no execution is under way.
 *
 * @param tell hears now and then how many are
 * @throws Error after `limitMs`
 */
export async function awaitQuiet(world: World, limitMs: number, tell?: (left: number) => void): Promise<void> {
  const giveUpAt = Date.now() + limitMs;
  let quietSince: number | undefined;
  let tellAt = Date.now() + TELL_EVERY_MS;
  for (;;) {
    const left = await underWay(world);
    if (Date.now() >= tellAt) {
      tellAt += TELL_EVERY_MS;
      tell?.(left);
    }
    if (left > 0) quietSince = undefined;
    else quietSince ??= Date.now();
    if (quietSince !== undefined && Date.now() - quietSince >= QUIET_FOR_MS) return;
    if (Date.now() > giveUpAt) throw new Error(`not quiet within ${limitMs / 1000} s: ${left} are under way`);
    await sleep(LOOK_EVERY_MS);
  }
}

/** Every message of a queue: visible, in flight, delayed. */
const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

/** Messages of the queues and executions that run. */
async function underWay({ platform }: World): Promise<number> {
  const running = platform.stateMachine.executions().filter(({ status }) => status === 'RUNNING').length;
  const queues = ['EventsQueueUrl', 'DeliveriesQueueUrl', 'OutcomesQueueUrl'].map(async (name) => {
    const command = new GetQueueAttributesCommand({ QueueUrl: output(platform, name), AttributeNames: [...COUNTS] });
    const { Attributes = {} } = await platform.queues.client.send(command);
    return COUNTS.reduce((sum, count) => sum + Number(Attributes[count] ?? 0), 0);
  });
  return (await Promise.all(queues)).reduce((sum, one) => sum + one, running);
}
