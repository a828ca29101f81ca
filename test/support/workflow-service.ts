import { createHash } from 'node:crypto';
import { AwsError } from '../../local/control-plane/aws-error.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';

type Body = Readonly<Record<string, unknown>>;

export interface WorkflowService {
  readonly endpoint: string;
  /** What was asked, in order. */
  readonly calls: readonly { readonly operation: string; readonly body: Body }[];
  /** Answers of Step Functions by operation. What an answer throws as `AwsError`, the client gets as such. */
  readonly answers: Record<string, (body: Body) => object>;
  forget(): void;
  close(): Promise<void>;
}

/** Step Functions that answers what a test says, and a queue that takes everything, behind one socket. */
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
    calls,
    answers,
    forget() {
      calls.length = 0;
      for (const operation of Object.keys(answers)) delete answers[operation];
    },
    close: () => plane.close(),
  };
}
