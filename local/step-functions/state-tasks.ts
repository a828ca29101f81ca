import { type MessageAttributeValue, SendMessageCommand } from '@aws-sdk/client-sqs';
import type { FunctionPool } from '../lambda/function-pool.ts';
import type { Functions } from '../lambda/functions.ts';
import type { Queues } from '../sqs/queues.ts';
import type { State } from './definition.ts';

/** Step Functions' quota for inputs and outputs, in bytes of UTF-8. */
export const MAX_STATE_BYTES = 256 * 1024;

export interface TaskServices {
  readonly functions: Functions;
  readonly queues: Queues;
}

export type TaskHandler = (input: unknown) => Promise<unknown>;

/** A failed task. The engine matches retriers and catchers on `name`, and uses the message as the cause. */
export class TaskFailure extends Error {
  override readonly name: string;
  /** Read by the engine: false for errors that `States.ALL` does not match. */
  readonly isRetryable: boolean;
  readonly isCatchable: boolean;

  constructor(name: string, cause: string) {
    super(cause);
    this.name = name;
    this.isRetryable = name !== 'States.DataLimitExceeded';
    this.isCatchable = this.isRetryable;
  }
}

/**
 * The handler of a `Task` state, by its resource: a function's ARN or `sqs:sendMessage`.
 *
 * @throws Error with the state's name for another resource
 */
export function taskHandler(name: string, state: State, services: TaskServices): TaskHandler {
  const { functions, queues } = services;
  const resource = String(state.Resource);
  const pool = functions.lookUp(resource);
  if (pool !== undefined) return async (input) => withinLimit(name, await invoke(pool, input));
  if (resource === 'arn:aws:states:::sqs:sendMessage') return (input) => sendMessage(queues, input as SendParameters);
  throw new Error(`state ${name}: the local platform cannot run the resource ${resource}`);
}

async function invoke(pool: FunctionPool, payload: unknown): Promise<unknown> {
  const result = await pool.invoke(payload);
  if (result.status === 'succeeded') return result.payload;
  if (result.status === 'throttled') throw new TaskFailure('Lambda.TooManyRequestsException', 'Rate Exceeded.');
  if (result.status === 'refused')
    throw new TaskFailure(`Lambda.${result.errorName}`, 'Lambda did not run the function.');
  throw new TaskFailure(result.error.errorType, JSON.stringify(result.error));
}

function withinLimit(name: string, result: unknown): unknown {
  if (Buffer.byteLength(JSON.stringify(result)) <= MAX_STATE_BYTES) return result;
  throw new TaskFailure('States.DataLimitExceeded', `the result of ${name} is larger than ${MAX_STATE_BYTES} bytes`);
}

interface SendParameters {
  readonly QueueUrl: string;
  readonly MessageBody: unknown;
  readonly MessageAttributes?: Record<string, MessageAttributeValue>;
}

async function sendMessage(queues: Queues, parameters: SendParameters): Promise<unknown> {
  const { MessageBody, ...rest } = parameters;
  const body = typeof MessageBody === 'string' ? MessageBody : JSON.stringify(MessageBody);
  try {
    const sent = await queues.client.send(new SendMessageCommand({ ...rest, MessageBody: body }));
    return { MessageId: sent.MessageId, MD5OfMessageBody: sent.MD5OfMessageBody };
  } catch (thrown) {
    throw new TaskFailure('SQS.AmazonSQSException', String((thrown as Error).message));
  }
}
