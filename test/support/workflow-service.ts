import { createHash } from 'node:crypto';
import { AwsError } from '../../local/control-plane/aws-error.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';

type Body = Readonly<Record<string, unknown>>;

const EMPTY = {
  ApproximateNumberOfMessages: '0',
  ApproximateNumberOfMessagesNotVisible: '0',
  ApproximateNumberOfMessagesDelayed: '0',
};

export interface WorkflowService {
  readonly endpoint: string;
  readonly controlPlane: ControlPlane;
  /** All calls of Step Functions and SQS, in order. */
  readonly calls: readonly { readonly operation: string; readonly body: Body }[];
  /** Answers of Step Functions by operation. What an answer throws as `AwsError`, the client gets as such. */
  readonly answers: Record<string, (body: Body) => object>;
  forget(): void;
  close(): Promise<void>;
}

/** Step Functions with the responses of a test, and SQS whose queues are empty and accept everything, behind one socket. */
export async function startWorkflowService(): Promise<WorkflowService> {
  const plane: ControlPlane = await startControlPlane();
  const calls: { operation: string; body: Body }[] = [];
  const answers: WorkflowService['answers'] = {};
  plane.registerTarget('AWSStepFunctions', async (operation, body) => {
    calls.push({ operation, body });
    const answer = answers[operation];
    if (answer === undefined) throw new AwsError('ValidationException', 400, `the test has no answer to ${operation}`);
    return answer(body);
  });
  plane.registerTarget('AmazonSQS', async (operation, body) => {
    calls.push({ operation, body });
    if (operation === 'GetQueueAttributes') return { Attributes: EMPTY };
    const entries = body.Entries as readonly { Id: string; MessageBody: string }[];
    const Successful = entries.map(({ Id, MessageBody }) => ({
      Id,
      MessageId: Id,
      MD5OfMessageBody: createHash('md5').update(MessageBody).digest('hex'),
    }));
    return { Successful, Failed: [] };
  });
  return {
    endpoint: plane.endpoint,
    controlPlane: plane,
    calls,
    answers,
    forget() {
      calls.length = 0;
      for (const operation of Object.keys(answers)) delete answers[operation];
    },
    close: () => plane.close(),
  };
}
