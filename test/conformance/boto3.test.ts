import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { output } from '../../local/demo/operator.ts';
import { ENTERPRISE, enrollment, LEARNER } from '../../local/demo/sample-events.ts';
import { receiptsOf, runningSession } from '../e2e/running-session.ts';
import { until } from '../support/assembly.ts';
import { describeWithClient, runClient } from '../support/real-clients.ts';

const CALL_SQS = fileURLToPath(new URL('./call_sqs.py', import.meta.url));
const MEBIBYTE = 1024 * 1024;
const LIMIT_MS = 60_000;

describeWithClient('boto3', 'an LMS that publishes with boto3', (python) => {
  const session = runningSession({ flag: 'on', partners: { skillsoft: { answers: 200 } } });

  /** Calls of one boto3 client, on the events queue, in order. */
  async function call(...calls: readonly (readonly [method: string, args: object])[]) {
    const { platform } = session();
    const QueueUrl = output(platform, 'EventsQueueUrl');
    const input = calls.map(([method, args]) => ({ method, arguments: { QueueUrl, ...args } }));
    const words = [CALL_SQS, String(platform.endpoints.AWS_ENDPOINT_URL_SQS)];
    const { status, stdout, stderr } = await runClient(python, words, JSON.stringify(input));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout);
  }

  const arrived = (integrationId: string, eventId: string) =>
    until(() => receiptsOf(session(), integrationId, eventId)[0], 30_000);

  test(
    'a text that SQS does not take is refused by itself; the rest of its batch goes through',
    async () => {
      const entry = (Id: string, MessageBody: string) => ({ Id, MessageBody, MessageGroupId: ENTERPRISE });
      const good = JSON.stringify(enrollment('boto3-beside', 'skillsoft', LEARNER.known));
      const [answer] = await call([
        'send_message_batch',
        { Entries: [entry('refused', 'a \u0000 in it'), entry('taken', good)] },
      ]);

      expect(answer.Successful.map(({ Id }: { Id: string }) => Id)).toEqual(['taken']);
      expect(answer.Failed).toMatchObject([{ Id: 'refused', SenderFault: true, Code: 'InvalidMessageContents' }]);
      await arrived('skillsoft', 'boto3-beside');
    },
    LIMIT_MS,
  );

  test(
    'a message over 1 MiB is raised as an error of the client, and so is a batch',
    async () => {
      const MessageBody = 'x'.repeat(MEBIBYTE + 1);
      const half = 'x'.repeat(MEBIBYTE / 2 + 1);
      const Entries = ['a', 'b'].map((Id) => ({ Id, MessageBody: half }));
      const [message, batch] = await call(['send_message', { MessageBody }], ['send_message_batch', { Entries }]);

      expect(message).toMatchObject({ status: 400, Error: { Code: expect.stringMatching(/InvalidParameterValue$/) } });
      expect(message.Error.Message).toContain('Message must be shorter than 1048576 bytes');
      expect(batch).toMatchObject({ status: 400, Error: { Code: expect.stringMatching(/BatchRequestTooLong$/) } });
    },
    LIMIT_MS,
  );

  test(
    'a queue that does not exist is an error of the client, not a silence',
    async () => {
      const { AWS_ENDPOINT_URL_SQS } = session().platform.endpoints;
      const QueueUrl = `${AWS_ENDPOINT_URL_SQS}/000000000000/no-such-queue`;
      const [answer] = await call(['send_message', { QueueUrl, MessageBody: '{}' }]);

      expect(answer).toMatchObject({ raised: 'QueueDoesNotExist', status: 400 });
    },
    LIMIT_MS,
  );
});
