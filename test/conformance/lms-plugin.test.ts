import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, jest, test } from '@jest/globals';
import { output } from '../../local/demo/operator.ts';
import { ENTERPRISE } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { learningTimeOf, runningSession, until } from '../e2e/running-session.ts';
import { describeWithClient, runClient } from '../support/real-clients.ts';

// Python, Django and boto3 take a second to start, and several on a loaded machine.
jest.setTimeout(90_000);

const PLUGIN = fileURLToPath(new URL('lms_plugin.py', import.meta.url));
const OTHER_ENTERPRISE = 'b1b2c3d4-e5f6-7890-abcd-ef1234567890';
/** Nothing listens there. */
const DEAD_ENDPOINT = 'http://127.0.0.1:9';

describeWithClient('boto3', 'the Open edX plugin publishes to the pipeline', (python) => {
  const session = runningSession({
    flag: 'on',
    partners: {
      skillsoft: { behaviour: 200, entry: { enterprise_customer_uuid: ENTERPRISE } },
      percipio: {
        behaviour: 200,
        entry: { enterprise_customer_uuid: OTHER_ENTERPRISE, payload_format: 'completion_field' },
      },
    },
  });
  const bodies = (integration: string, text: string) =>
    session().partner.receipts.filter(({ path, body }) => path === `/${integration}` && body.includes(text));

  // A virtual environment may have boto3 alone; CI's has all three.
  const hasOpenedx = python !== '' && spawnSync(python, ['-c', 'import django, openedx_events']).status === 0;
  const testWithOpenedx = hasOpenedx || process.env.CI === 'true' ? test : test.skip;
  const absence = hasOpenedx ? '' : ' (no Django or openedx-events in the virtual environment)';
  testWithOpenedx(`a grade that changed in Django becomes webhooks with learning time${absence}`, async () => {
    const { platform } = session();
    const order = {
      endpoint: platform.queues.endpoint,
      queue_url: output(platform, 'EventsQueueUrl'),
      dead_endpoint: DEAD_ENDPOINT,
    };
    const { status, stdout, stderr } = await runClient(python, [PLUGIN], JSON.stringify(order));
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({
      passed: { pending: 2 },
      'rolled back': { pending: 2 },
      published: { published: 2 },
      'SQS down': ['the queue is not available: EndpointConnectionError', { published: 2, pending: 2 }],
      'SQS back': { published: 4 },
      enrolled: { published: 6 },
    });

    await until(session(), () => bodies('skillsoft', '').length >= 3 && bodies('percipio', '').length >= 3);
    // Copies are dropped, unless they are still on their way.
    await awaitQuiet(session());
    const [first, retake] = bodies('skillsoft', '"completion"').toSorted((a, b) => (a.body < b.body ? -1 : 1));
    expect(learningTimeOf(first)).toMatchObject({ total_seconds: 18540 });
    expect(JSON.parse(first?.body ?? '')).toMatchObject({
      user: { id: 12345, email: 'learner@example.com', username: 'learner' },
      completion: { percent_grade: 0.81, completion_date: '2026-01-10T15:30:00+00:00', is_passing: true },
    });
    expect(JSON.parse(retake?.body ?? '')).toMatchObject({ completion: { percent_grade: 0.83 } });
    expect(bodies('skillsoft', '0.82')).toEqual([]);

    expect(bodies('skillsoft', '"enrollment"')).toHaveLength(1);
    expect(bodies('percipio', '"started"').map(({ body }) => JSON.parse(body))).toEqual([
      expect.objectContaining({ content_id: 'course:edX+DemoX', user: 'user-1', orgid: 'org-1' }),
    ]);
    expect(bodies('percipio', '"completed"')).toHaveLength(2);
  });
});
