import { expect, test } from '@jest/globals';
import { output } from '../../local/demo/operator.ts';
import { completion, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import { learningTimeOf, receiptsOf, runningSession } from '../e2e/running-session.ts';
import { until } from '../support/assembly.ts';
import { describeWithClient, runClient } from '../support/real-clients.ts';

const LIMIT_MS = 60_000;

describeWithClient('awscli', 'a hand that publishes with the AWS CLI', (program) => {
  const session = runningSession({ flag: 'on', partners: { skillsoft: { answers: 200 } } });

  /** `aws sqs <operation>` on the events queue. */
  function aws(operation: string, ...words: readonly string[]) {
    const { platform } = session();
    const endpoint = ['--endpoint-url', String(platform.endpoints.AWS_ENDPOINT_URL_SQS), '--output', 'json'];
    const queue = ['--queue-url', output(platform, 'EventsQueueUrl')];
    return runClient(program, ['sqs', operation, ...endpoint, ...queue, ...words]);
  }

  const arrived = (eventId: string) => until(() => receiptsOf(session(), 'skillsoft', eventId)[0], 30_000);

  test(
    'send-message: the completion arrives, enriched',
    async () => {
      const body = JSON.stringify(completion('cli-completion', 'skillsoft', LEARNER.known));
      const { status, stdout, stderr } = await aws(
        'send-message',
        '--message-body',
        body,
        '--message-group-id',
        ENTERPRISE,
      );

      expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
      expect(JSON.parse(stdout)).toMatchObject({ MessageId: expect.any(String) });
      expect(learningTimeOf(await arrived('cli-completion'))).toMatchObject({ total_seconds: 18_540 });
    },
    LIMIT_MS,
  );

  test(
    'get-queue-attributes: the queue is the template’s',
    async () => {
      const { stdout } = await aws('get-queue-attributes', '--attribute-names', 'All');

      const redrive = JSON.parse(JSON.parse(stdout).Attributes.RedrivePolicy);
      expect(redrive).toMatchObject({ maxReceiveCount: expect.anything(), deadLetterTargetArn: expect.any(String) });
    },
    LIMIT_MS,
  );
});
