import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { acceptEvent } from '../../lambdas/enrichment/accept-event.ts';
import { MAX_WORKFLOW_INPUT_BYTES } from '../../lambdas/events/delivery.ts';
import { eventSchema, MAX_EVENT_BYTES, MAX_TIMER_DAYS, REGIONS } from '../../lambdas/events/event.ts';
import type { EventType } from '../../lambdas/events/event-types/event-types.ts';
import { webhookId } from '../../lambdas/events/identity.ts';
import { readIntegrations } from '../../lambdas/partners/integration-registry.ts';
import { output } from '../../local/demo/operator.ts';
import { COURSE, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { codeOf } from '../docs/guide-steps.ts';
import { learningTimeOf, logged, runningSession, until } from '../e2e/running-session.ts';
import { NOW } from '../support/factories.ts';
import { describeWithClient, type Ended, runClient } from '../support/real-clients.ts';
import { type FakeSqs, type Fate, startFakeSqs } from './fake-sqs.ts';

// Python and boto3 take a second to start, and several on a loaded machine.
jest.setTimeout(30_000);

const path = (name: string) => fileURLToPath(new URL(`../../${name}`, import.meta.url));
const GUIDE = readFileSync(path('docs/publishing-events.md'), 'utf8');

/** Nothing listens there. */
const DEAD_ENDPOINT = 'http://127.0.0.1:9';

interface PublishOrder {
  readonly endpoint: string;
  readonly queue_url: string;
  readonly events: readonly {
    readonly kind: 'completion' | 'enrollment' | 'lead' | 'any';
    readonly values: object;
    /** The times that it is moved to. */
    readonly move?: object;
    /** Integrations, or a region. */
    readonly to: readonly string[] | string;
  }[];
}

const WHOM = {
  user_id: LEARNER.known,
  email: 'learner@example.com',
  username: 'learner',
  course_id: COURSE,
  course_name: 'Café für edX 🎓',
  enterprise_customer_uuid: ENTERPRISE,
  enterprise_customer_name: 'Demo Corp',
};

function completion(to: readonly string[] | string, values: object = {}): PublishOrder['events'][number] {
  const grade = { percent_grade: 0.92, letter_grade: 'A', is_passing: true, occurred_at: '2026-01-10T17:30:00+02:00' };
  return { kind: 'completion', values: { ...WHOM, ...grade, ...values }, to };
}

function parsed({ status, stdout, stderr }: Ended) {
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout);
}

type Order = PublishOrder | { readonly limits: readonly string[] };

/** One Python process for all orders: it takes a second to start. */
async function publish(python: string, ...orders: Order[]) {
  return parsed(await runClient(python, [path('test/conformance/lms_publisher.py')], JSON.stringify(orders)));
}

describeWithClient('boto3', 'a publisher publishes to the pipeline with docs/publishing', (python) => {
  const session = runningSession({
    flag: 'on',
    partners: {
      skillsoft: { behaviour: 200 },
      percipio: { behaviour: 200 },
      europe: { behaviour: 200, entry: { enterprise_customer_uuid: ENTERPRISE, region: 'EU' } },
      n8n: { behaviour: 200, entry: { event_types: ['lead'] } },
    },
  });
  const queue = () => ({
    endpoint: session().platform.queues.endpoint,
    queue_url: output(session().platform, 'EventsQueueUrl'),
  });
  const received = (integration: string, text: string) =>
    session().partner.receipts.filter((receipt) => receipt.path === `/${integration}` && receipt.body.includes(text));
  const webhookIds = (integration: string, text: string) =>
    new Set(received(integration, text).map(({ headers }) => headers['webhook-id']));

  test('a completion fanned out to two integrations arrives enriched at both, value for value', async () => {
    const [answer] = await publish(python, {
      ...queue(),
      events: [completion(['skillsoft', 'percipio'], { username: 'first', percent_grade: 1 })],
    });
    expect(answer.sent.map(({ to }: { to: string }) => to)).toEqual(['skillsoft', 'percipio']);

    await until(
      session(),
      () => received('skillsoft', '"first"').length > 0 && received('percipio', '"first"').length > 0,
    );
    for (const integration of ['skillsoft', 'percipio']) {
      const [receipt] = received(integration, '"first"');
      expect(learningTimeOf(receipt)).toMatchObject({ total_seconds: 18540 });
      expect(receipt?.body).toContain('"percent_grade":1.0,');
      expect(receipt?.body).toContain('"completion_date":"2026-01-10T15:30:00+00:00"');
      expect(receipt?.body).toContain('"course_name":"Café für edX 🎓"');
    }
    expect(webhookIds('skillsoft', '"first"')).not.toEqual(webhookIds('percipio', '"first"'));
  });

  test('a retake is a new webhook; the same publication, or the same event_id, is the same one', async () => {
    const retake = { percent_grade: 0.97, occurred_at: '2026-01-10T19:00:00+02:00' };
    const events = [
      completion(['skillsoft'], { username: 'retaker' }),
      completion(['skillsoft'], { username: 'retaker' }),
      completion(['skillsoft'], { username: 'retaker', ...retake }),
      completion(['skillsoft'], { username: 'named', event_id: 'grade-change-1' }),
      completion(['skillsoft'], { username: 'named', event_id: 'grade-change-1', ...retake }),
    ];
    await publish(python, { ...queue(), events });

    await until(
      session(),
      () => webhookIds('skillsoft', '"retaker"').size >= 2 && received('skillsoft', '"named"').length > 0,
    );
    // Both copies are suppressed by the ledger, unless they are still on their way.
    await awaitQuiet(session());
    expect(received('skillsoft', '"retaker"')).toHaveLength(2);
    expect(received('skillsoft', '"named"')).toHaveLength(1);
  }, 90_000);

  test('an enrollment by region reaches that region’s integration, without learning time', async () => {
    const values = { ...WHOM, username: 'enrolled', mode: 'verified', is_active: true };
    const events = [
      { kind: 'enrollment' as const, values: { ...values, occurred_at: '2026-01-10T15:30:00+00:00' }, to: 'EU' },
    ];
    await publish(python, { ...queue(), events });

    await until(session(), () => received('europe', '"enrolled"').length > 0);
    expect(learningTimeOf(received('europe', '"enrolled"')[0])).toBeUndefined();
  });

  test('an event with a trace context reaches the partner with it', async () => {
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const values = { event_type: 'course_enrollment', payload: { user: { username: 'traced' } }, traceparent };
    const events = [
      { kind: 'any' as const, values: { ...values, occurred_at: '2026-01-10T15:30:00+00:00' }, to: ['skillsoft'] },
    ];
    await publish(python, { ...queue(), events });
    await until(session(), () => received('skillsoft', '"traced"').length > 0);
    expect(received('skillsoft', '"traced"')).toMatchObject([{ headers: { traceparent } }]);
  });

  test('leads: one waits, another is moved, a third gives way to a later one', async () => {
    const inMinutes = (minutes: number) => new Date(Date.now() + minutes * 60_000).toISOString();
    const lead = (user_id: number, values: object) => ({
      kind: 'lead' as const,
      values: { user_id, lead_type: 'calculated', occurred_at: inMinutes(-1), event_id: `lead-${user_id}`, ...values },
      to: ['n8n'],
    });
    await publish(python, {
      ...queue(),
      events: [lead(701, { delay_minutes: 10 }), lead(702, { send_at: inMinutes(7 * 24 * 60 - 1) }), lead(703, {})],
    });
    const waits = () =>
      session()
        .platform.stateMachine.executions()
        .filter(({ status }) => status === 'RUNNING').length;
    await until(session(), () => waits() === 3);
    expect(received('n8n', '"user_id"')).toEqual([]);

    const moved = { ...lead(702, {}), move: { occurred_at: inMinutes(0), delay_minutes: 1 } };
    const hot = lead(703, { lead_type: 'hot', occurred_at: inMinutes(0), event_id: 'lead-703-hot' });
    await publish(python, { ...queue(), events: [moved, hot] });
    await until(session(), () => [701, 702, 703].every((id) => received('n8n', `"user_id":${id},`).length > 0));

    expect(received('n8n', '"user_id":703,').map(({ body }) => JSON.parse(body))).toEqual([
      expect.objectContaining({ lead_type: 'hot', priority: 'high' }),
    ]);
    expect(received('n8n', '"user_id"')).toHaveLength(3);
  }, 60_000);

  test('the guide’s functions for leads publish one, move it, and have another take its place', async () => {
    const { endpoint, queue_url } = queue();
    const code = codeOf(GUIDE, 'python').find((block) => block.includes('def wants_to_be_called')) ?? '';
    const here = code
      .replace(/^queue_url = .*$/m, `queue_url = "${queue_url}"`)
      .replace('sqs_client("us-east-1")', `sqs_client("us-east-1", "${endpoint}")`);
    const find = `import json, sys\nsys.path.insert(0, "${path('docs/publishing')}")`;
    const call = async (expression: string, input: object = {}) =>
      parsed(
        await runClient(python, ['-c', `${find}\n${here}\nprint(json.dumps(${expression}))`], JSON.stringify(input)),
      );
    const carriers = () => session().platform.stateMachine.executionsNamed(webhookId('n8n', 'lead-704-1'));

    const lead = await call('calculated(704, 1, "Ada")');
    await until(session(), () => carriers().length > 0);
    await call('not_before_tomorrow(json.load(sys.stdin))', lead);
    const moved = await until(session(), async () => {
      const lines = await logged(session(), 'timer.moved');
      return lines.find(({ webhook_id }) => webhook_id === webhookId('n8n', 'lead-704-1'));
    });
    expect(Date.parse(String(moved.due_at)) - Date.now()).toBeGreaterThan(23 * 3_600_000);

    await call('wants_to_be_called(704)');
    await until(session(), () => received('n8n', '"user_id":704').length > 0);
    expect(received('n8n', '"user_id":704').map(({ body }) => JSON.parse(body))).toEqual([
      { user_id: 704, lead_type: 'hot', priority: 'high', timestamp: expect.any(String) },
    ]);
  }, 60_000);

  test('the guide’s first try prints what it says', async () => {
    const { endpoint, queue_url } = queue();
    const set = `import os; os.environ.update(QUEUE_URL="${queue_url}", AWS_ENDPOINT_URL_SQS="${endpoint}")`;
    const run = `import runpy, sys; sys.path.insert(0, "${path('docs/publishing')}"); runpy.run_path("${path('docs/publishing/try_it.py')}")`;
    const { stdout, stderr } = await runClient(python, ['-c', `${set}; ${run}`]);

    expect(stderr).toBe('');
    expect(stdout).toMatch(/^skillsoft: SQS message [0-9a-f-]{36}\n$/);
    await until(session(), () => received('skillsoft', '"learner"').length > 0);
  });
});

describeWithClient('boto3', 'docs/publishing/webhook_events.py and an SQS that refuses', (python) => {
  let sqs: FakeSqs | undefined;
  afterEach(() => sqs?.close());

  async function publishTo(
    fate: (message: string, request: number) => Fate | number,
    ...publications: PublishOrder['events'][]
  ) {
    const fake = await startFakeSqs(fate);
    sqs = fake;
    const queue = { endpoint: fake.endpoint, queue_url: fake.queueUrl };
    const answers = await publish(python, ...publications.map((events) => ({ ...queue, events })));
    return { answers, answer: answers[0], batches: fake.batches };
  }
  const busy = { code: 'InternalError', senderFault: false };

  test('batches of at most 10 entries and 1 MiB, each entry with its enterprise as group', async () => {
    const filler = 'x'.repeat(190 * 1024);
    const { answer, batches } = await publishTo(
      () => 'taken',
      [
        ...Array.from({ length: 12 }, () => completion(['skillsoft'])),
        ...Array.from({ length: 7 }, () => completion(['skillsoft'], { username: filler })),
      ],
    );
    expect(answer.sent).toHaveLength(19);
    expect(batches.map(({ length }) => length)).toEqual([10, 7, 2]);
    const sizes = batches.map((batch) => batch.reduce((sum, { MessageBody }) => sum + MessageBody.length, 0));
    expect(Math.max(...sizes)).toBeLessThanOrEqual(1024 * 1024);
    expect(new Set(batches.flat().map(({ MessageGroupId }) => MessageGroupId))).toEqual(new Set([ENTERPRISE]));
  });

  test('an event over 200 KiB, or too large once escaped, raises before anything is sent', async () => {
    const { answers, batches } = await publishTo(
      () => 'taken',
      ...['x'.repeat(200 * 1024), '"'.repeat(80 * 1024)].map((username) => [
        completion(['skillsoft']),
        completion(['skillsoft'], { username }),
      ]),
    );
    expect(answers).toEqual([
      {
        error: 'EventTooLarge',
        message: expect.stringMatching(/^the event has 2\d+ bytes, at most 204800 are accepted$/),
      },
      {
        error: 'EventTooLarge',
        message: expect.stringMatching(/^the payload has 3\d+ bytes once escaped, at most 251904/),
      },
    ]);
    expect(batches).toEqual([]);
  });

  test('an entry refused by SQS’s own fault is sent again, alone', async () => {
    const { answer, batches } = await publishTo(
      (message, request) => (request < 3 && message.includes('percipio') ? busy : 'taken'),
      [completion(['skillsoft', 'percipio', 'other'])],
    );
    expect(answer.sent.map(({ to }: { to: string }) => to)).toEqual(['skillsoft', 'other', 'percipio']);
    expect(batches.map(({ length }) => length)).toEqual([3, 1, 1]);
  });

  test('an entry that SQS goes on refusing, or refuses as the sender’s fault, is raised with the reason', async () => {
    const invalid = { code: 'InvalidMessageContents', senderFault: true };
    const fates: Record<string, Fate> = { skillsoft: 'taken', percipio: busy, other: invalid };
    const { answer, batches } = await publishTo(
      (message) => fates[JSON.parse(message).integration_id] ?? 'taken',
      [completion(Object.keys(fates))],
    );
    expect(batches.map(({ length }) => length)).toEqual([3, 1, 1, 1]);
    expect(answer).toMatchObject({ error: 'EventsNotSent', sent: 1, cause: null });
    expect(answer.unsent).toEqual([
      { to: 'other', code: 'InvalidMessageContents', sender_fault: true },
      { to: 'percipio', code: 'InternalError', sender_fault: false },
    ]);
    expect(answer.message).toBe(
      '2 of 3 events not sent: InternalError: refused by the test; InvalidMessageContents: refused by the test',
    );
  });

  test('a request refused as a whole names every event that is not known to be sent', async () => {
    const events = Array.from({ length: 12 }, () => completion(['skillsoft']));
    const { answer } = await publishTo((_message, request) => (request === 1 ? 'taken' : 403), events);

    expect(answer).toMatchObject({ error: 'EventsNotSent', sent: 10 });
    expect(answer.unsent).toEqual(
      Array(2).fill({ to: 'skillsoft', code: 'AccessDeniedException', sender_fault: false }),
    );
  });

  test('an SQS that is not there raises all events, with botocore’s exception as the cause', async () => {
    const queue = { endpoint: DEAD_ENDPOINT, queue_url: `${DEAD_ENDPOINT}/000000000000/events` };
    const [answer] = await publish(python, { ...queue, events: [completion(['skillsoft', 'percipio'])] });

    expect(answer).toMatchObject({ error: 'EventsNotSent', sent: 0, cause: 'EndpointConnectionError' });
    expect(answer.unsent).toHaveLength(2);
  });

  test('what the pipeline would refuse raises before anything is sent', async () => {
    const wrong: readonly [values: object, message: RegExp][] = [
      [{ occurred_at: '2026-01-10T15:30:00' }, /zone/],
      [{ event_id: 'user:1' }, /event_id/],
      [{ percent_grade: 'NaN' }, /not JSON/],
    ];
    const lead = { user_id: 77, lead_type: 'calculated', occurred_at: '2026-01-15T10:30:00+00:00' };
    const wrongLeads: readonly [values: object, message: RegExp, move?: object][] = [
      [{ delay_minutes: 90, send_at: '2026-01-15T12:00:00+00:00' }, /send_at or delay_minutes, not both/],
      [{ delay_minutes: MAX_TIMER_DAYS * 24 * 60 + 1 }, /delay_minutes must be 0 to 10080/],
      [{ send_at: '2026-01-15T12:00:00' }, /zone/],
      [{}, /only an event with an event_id can be moved/, { occurred_at: '2026-01-15T11:00:00+00:00' }],
    ];
    const { answers, batches } = await publishTo(
      () => 'taken',
      ...wrong.map(([values]) => [completion(['skillsoft'], values)]),
      ...wrongLeads.map(([values, , move]) => [
        { kind: 'lead' as const, values: { ...lead, ...values }, to: ['n8n'], ...(move && { move }) },
      ]),
    );
    expect(answers).toEqual(
      [...wrong, ...wrongLeads].map(([, message]) => ({
        error: 'InvalidEvent',
        message: expect.stringMatching(message),
      })),
    );
    expect(batches).toEqual([]);
  });

  test('its limits and types of events are the contract’s', async () => {
    const EVENT_TYPES = ['course_completion', 'course_enrollment', 'lead'] satisfies EventType[];
    const limits = {
      MAX_EVENT_BYTES,
      MAX_WORKFLOW_INPUT_BYTES,
      MAX_TIMER_DAYS,
      REGIONS,
      EVENT_TYPES,
      SCHEMA_VERSION: 1,
    };
    expect(await publish(python, { limits: Object.keys(limits) })).toEqual([limits]);
  });

  test('the Python in the guide compiles', async () => {
    const blocks = codeOf(GUIDE, 'python');
    const compile = 'import json, sys\nfor block in json.load(sys.stdin): compile(block, "guide", "exec")';
    const ended = await runClient(python, ['-c', compile], JSON.stringify(blocks));

    expect(blocks.length).toBeGreaterThan(2);
    expect(ended).toEqual({ status: 0, stdout: '', stderr: '' });
  });
});

describe('the guide for publishers', () => {
  const entry = { id: 'skillsoft', url: 'https://partner.example', enterprise_customer_uuid: ENTERPRISE };
  const registry = readIntegrations(JSON.stringify({ integrations: [entry] }), undefined);
  const [example = '', lead = ''] = codeOf(GUIDE, 'json');
  const leadRegistry = readIntegrations(JSON.stringify({ integrations: [{ ...entry, id: 'n8n' }] }), undefined);

  test('has a row for every field of the message', () => {
    const rows = [...GUIDE.matchAll(/^\| `(\w+)` \|/gm)].map(([, field]) => field);
    expect(rows).toEqual(Object.keys(eventSchema.shape));
  });

  test('shows a message that the pipeline accepts', () => {
    expect(acceptEvent(example, registry, NOW).verdict).toBe('accepted');
  });

  test('shows a lead that waits as long as it says', () => {
    const acceptance = acceptEvent(lead, leadRegistry, NOW);
    expect(acceptance).toMatchObject({ verdict: 'accepted', subject: { send_at: '2026-01-15T12:00:00.000Z' } });
  });
});
