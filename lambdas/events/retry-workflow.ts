import { type SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { errorName } from '../shared/errors.ts';
import { toMessageText } from '../shared/json-text.ts';
import type { Delivery } from './delivery.ts';
import { executionName, executionToken } from './identity.ts';

/** The execution that carries a delivery. */
export interface Started {
  /** Identifies it in the ledger. */
  readonly token: string;
  /** Whether its input is this delivery: from this call or, while it runs, from an earlier call with the same input. */
  readonly isOwn: boolean;
}

/** Starts executions of the retry workflow. */
export interface Workflow {
  /**
   * Starts the execution that carries a delivery from now on. If it already exists, running or closed, the call succeeds
   * too.
   *
   * @throws if the start is uncertain; the caller must not acknowledge its message then
   */
  start(delivery: Delivery): Promise<Started>;
}

/** Creates a `Workflow` that uses Step Functions. */
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
 * Starts an execution, unless one with that name exists. Step Functions responds with `ExecutionAlreadyExists` if that one
 * is closed, or runs with another input (jitter changes it): it carries the delivery, so this counts as started. If it
 * runs with the same input, StartExecution is idempotent and succeeds.
 *
 * @returns whether an execution with that name runs with this input
 * @throws the SDK's other errors
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
