import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { errorName } from '../shared/errors.ts';
import { toMessageText } from '../shared/json-text.ts';
import type { Delivery } from './delivery.ts';
import { executionName, executionToken } from './identity.ts';

/** The execution that carries a delivery. */
export interface Started {
  /** What the ledger knows it by. */
  readonly token: string;
  /** Whether it was given exactly this delivery: by this call, or, while it runs, by an earlier one with the same input. */
  readonly isOwn: boolean;
}

/** The retry workflow, as functions see it. */
export interface Workflow {
  /**
   * Starts the execution that carries a delivery from here on. One that exists already, running or closed, carries it:
   * that is success too.
   *
   * @throws where the start is not certain; the message that led here must not be acknowledged then
   */
  start(delivery: Delivery): Promise<Started>;
}

/** The retry workflow over Step Functions. */
export function createWorkflow({ client, stateMachineArn }: { client: SFNClient; stateMachineArn: string }): Workflow {
  return {
    async start(delivery) {
      const token = executionToken(delivery);
      const name = executionName(delivery.webhook_id, token);
      return { token, isOwn: await startOnce(client, stateMachineArn, name, { ...delivery, token }) };
    },
  };
}

/**
 * Starts an execution unless one of that name exists. Step Functions refuses a closed one's name, or a running one's
 * with another input (jitter makes it another), with `ExecutionAlreadyExists`: it carries the delivery, so it counts
 * as started. With the same input a running one's name is taken as the same call again.
 *
 * @returns whether one of that name runs with this input
 * @throws the SDK's error otherwise
 */
export async function startOnce(
  client: SFNClient,
  stateMachineArn: string,
  name: string,
  input: unknown,
): Promise<boolean> {
  try {
    await client.send(new StartExecutionCommand({ stateMachineArn, name, input: toMessageText(input) }));
    return true;
  } catch (thrown) {
    if (errorName(thrown) !== 'ExecutionAlreadyExists') throw thrown;
    return false;
  }
}
