import { ListMessageMoveTasksCommand, StartMessageMoveTaskCommand } from '@aws-sdk/client-sqs';
import { output } from '../demo/operator.ts';
import type { World } from '../demo/world.ts';

/** Letters of the deliveries dead letter queue. */
export async function countLetters({ platform }: World): Promise<number> {
  const { ready } = await platform.queues.content(output(platform, 'DeliveriesDeadLetterQueueUrl'));
  return ready.length;
}

/** Moves every dead letter back to the deliveries queue, as `./ltw redrive` and the SQS console do. @returns how many */
export async function redriveLetters(world: World): Promise<number> {
  const { platform } = world;
  const { client } = platform.queues;
  const SourceArn = output(platform, 'DeliveriesDeadLetterQueueArn');
  const DestinationArn = output(platform, 'DeliveriesQueueArn');
  await client.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn }));
  const newestTask = async () => (await client.send(new ListMessageMoveTasksCommand({ SourceArn }))).Results?.[0];
  await world.until('the dead letters moved', async () => (await newestTask())?.Status !== 'RUNNING');
  const task = await newestTask();
  if (task?.Status !== 'COMPLETED') throw new Error(`the dead letters were not moved: ${task?.FailureReason}`);
  return task.ApproximateNumberOfMessagesMoved ?? 0;
}
