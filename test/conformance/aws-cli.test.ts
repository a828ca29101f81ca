import { expect, test } from '@jest/globals';
import { output } from '../../local/demo/operator.ts';
import { completion, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import { learningTimeOf, receiptsOf, runningSession } from '../e2e/running-session.ts';
import { until } from '../support/assembly.ts';
import { describeWithClient, runClient } from '../support/real-clients.ts';

describeWithClient('awscli', 'an operator who publishes with the AWS CLI', (program) => {
  const session = runningSession({ flag: 'on', partners: { skillsoft: { behaviour: 200 } } });

  test('the completion arrives, enriched', async () => {
    const { platform } = session();
    const body = JSON.stringify(completion('cli-completion', 'skillsoft', LEARNER.known));
    const { status, stdout, stderr } = await runClient(program, [
      ...['sqs', 'send-message', '--endpoint-url', String(platform.endpoints.AWS_ENDPOINT_URL_SQS), '--output', 'json'],
      ...['--queue-url', output(platform, 'EventsQueueUrl'), '--message-body', body, '--message-group-id', ENTERPRISE],
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ MessageId: expect.any(String) });
    const receipt = await until(() => receiptsOf(session(), 'skillsoft', 'cli-completion')[0]);
    expect(learningTimeOf(receipt)).toMatchObject({ total_seconds: 18_540 });
  }, 60_000);
});
