import { setTimeout as sleep } from 'node:timers/promises';
import { ListMessageMoveTasksCommand, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import { output } from '../demo/operator.ts';
import type { World } from '../demo/world.ts';

const LOOK_EVERY_MS = 200;

/** Letters of the deliveries dead letter queue. */
export async function countLetters({ platform }: World): Promise<number> {
  const { ready } = await platform.queues.content(output(platform, 'DeliveriesDeadLetterQueueUrl'));
  return ready.length;
}

/** Moves every dead letter back to the deliveries queue, as `npm run redrive` and the SQS console do. @returns how many */
export async function redriveLetters({ platform }: World): Promise<number> {
  const { client } = platform.queues;
  const SourceArn = output(platform, 'DeliveriesDeadLetterQueueArn');
  const DestinationArn = output(platform, 'DeliveriesQueueArn');
  await client.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn }));
  for (;;) {
    const { Results: [task] = [] } = await client.send(new ListMessageMoveTasksCommand({ SourceArn }));
    if (task?.Status === 'COMPLETED') return task.ApproximateNumberOfMessagesMoved ?? 0;
    if (task?.Status === 'FAILED') throw new Error(`the letters were not moved: ${task.FailureReason}`);
    await sleep(LOOK_EVERY_MS);
  }
}
