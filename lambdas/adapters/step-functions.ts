import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { Workflow } from '../contract/delivery-ports.ts';
import { errorName } from '../contract/errors.ts';
import { executionName, executionToken } from '../domain/identity.ts';
import { toMessageText } from '../domain/json-text.ts';

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
