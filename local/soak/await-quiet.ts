import { output } from '../demo/operator.ts';
import type { Session } from '../demo/session.ts';

/** Lets the clock go on until no message and no execution is under way. @throws NotReached */
export async function awaitQuiet(session: Session): Promise<void> {
  await session.until('nothing under way', () => underWay(session) === 0);
}

/** Messages of the queues, visible or not, and executions that run. */
function underWay({ platform }: Session): number {
  const running = platform.stateMachine.executions().filter(({ status }) => status === 'RUNNING').length;
  const queues = ['EventsQueueUrl', 'DeliveriesQueueUrl', 'OutcomesQueueUrl'];
  const messages = queues.flatMap((name) => platform.queues.messages(output(platform, name)));
  return messages.length + running;
}
