import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { output } from '../../local/demo/operator.ts';
import { COURSE, completion, ENTERPRISE, enrollment, LEARNER } from '../../local/demo/sample-events.ts';
import { learningTimeOf, receiptsOf, runningWorld } from '../e2e/running-world.ts';
import { until } from '../support/assembly.ts';
import { describeWithClient, runClient } from '../support/real-clients.ts';

const CALL_SQS = fileURLToPath(new URL('./call_sqs.py', import.meta.url));
const MEBIBYTE = 1024 * 1024;
const LIMIT_MS = 60_000;

describeWithClient('boto3', 'an LMS that publishes with boto3', (python) => {
  const world = runningWorld({ flag: 'on', partners: { skillsoft: { answers: 200 }, percipio: { answers: 200 } } });

  /** Calls of one boto3 client, on the events queue, in order. */
  async function call(...calls: readonly (readonly [method: string, args: object])[]) {
    const { platform } = world();
    const QueueUrl = output(platform, 'EventsQueueUrl');
    const input = calls.map(([method, args]) => ({ method, arguments: { QueueUrl, ...args } }));
    const words = [CALL_SQS, String(platform.endpoints.AWS_ENDPOINT_URL_SQS)];
    const { status, stdout, stderr } = await runClient(python, words, JSON.stringify(input));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    return JSON.parse(stdout);
  }

  const arrived = (integrationId: string, eventId: string) =>
    until(() => receiptsOf(world(), integrationId, eventId)[0], 30_000);

  test(
    'send_message: an enriched completion and an enrollment arrive',
    async () => {
      const send = (event: object) =>
        ['send_message', { MessageBody: JSON.stringify(event), MessageGroupId: ENTERPRISE }] as const;
      const answers = await call(
        send(completion('boto3-completion', 'skillsoft', LEARNER.known)),
        send(enrollment('boto3-enrollment', 'skillsoft', LEARNER.known)),
      );

      const sent = { MessageId: expect.any(String), MD5OfMessageBody: expect.stringMatching(/^[0-9a-f]{32}$/) };
      expect(answers).toEqual([sent, sent]);
      const completed = await arrived('skillsoft', 'boto3-completion');
      expect(learningTimeOf(completed)).toMatchObject({ total_seconds: 18_540, total_hours: 5.15 });
      expect(JSON.parse(completed.body)).toMatchObject({ course: { course_id: COURSE } });
      expect(learningTimeOf(await arrived('skillsoft', 'boto3-enrollment'))).toBeUndefined();
    },
    LIMIT_MS,
  );

  test(
    'send_message_batch: one completion for two integrations is two webhooks, each enriched',
    async () => {
      const receivers = ['skillsoft', 'percipio'];
      const Entries = receivers.map((id) => ({
        Id: id,
        MessageBody: JSON.stringify(completion('boto3-fan-out', id, LEARNER.forTwo)),
        MessageGroupId: ENTERPRISE,
      }));
      const [answer] = await call(['send_message_batch', { Entries }]);

      expect(answer.Successful.map(({ Id }: { Id: string }) => Id)).toEqual(receivers);
      const webhooks = await Promise.all(receivers.map((id) => arrived(id, 'boto3-fan-out')));
      expect(webhooks.map(learningTimeOf)).toMatchObject([{ total_seconds: 5400 }, { total_seconds: 5400 }]);
      expect(new Set(webhooks.map(({ headers }) => headers['webhook-id'])).size).toBe(2);
    },
    LIMIT_MS,
  );

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
      const { AWS_ENDPOINT_URL_SQS } = world().platform.endpoints;
      const QueueUrl = `${AWS_ENDPOINT_URL_SQS}/000000000000/no-such-queue`;
      const [answer] = await call(['send_message', { QueueUrl, MessageBody: '{}' }]);

      expect(answer).toMatchObject({ raised: 'QueueDoesNotExist', status: 400 });
    },
    LIMIT_MS,
  );
});
