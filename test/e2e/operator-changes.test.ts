import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, describe, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import { configVersion, evaluateFlag } from '../../lambdas/flag/evaluate-flag.ts';
import { type Flag, flagSchema } from '../../lambdas/flag/flag-document.ts';
import { CLOCK_SKEW_MS } from '../../lambdas/partners/signing-periods.ts';
import { output } from '../../local/demo/operator.ts';
import type { Receipt } from '../../local/demo/partner.ts';
import { completion, ENTERPRISE, LEARNER } from '../../local/demo/sample-events.ts';
import { newSigningSecret, verify } from '../../local/demo/signature.ts';
import { startPartner } from '../support/partner-server.ts';
import {
  deadLettersOf,
  deployFlag,
  endDeliveryFunctions,
  expectParkings,
  learningTimeOf,
  linesOf,
  logged,
  publishTo,
  publishTogether,
  receiptsOf,
  redeploy,
  runningSession,
  storeSecret,
  until,
  waitForAttempts,
  waitForParking,
} from './running-session.ts';

const before = newSigningSecret();
const after = newSigningSecret();

/** A partner that accepts only webhooks with a valid signature by its secret. */
let held = before;
const verifying = await startPartner((answer, { body, headers }) => {
  answer.writeHead(verify(String(body), headers, [held]).verified ? 200 : 401).end();
});
afterAll(() => verifying.close());

const session = runningSession({
  partners: {
    skillsoft: { behaviour: 200 },
    rolled: { behaviour: 200 },
    rotating: { behaviour: 200 },
    verifying: { behaviour: 200, entry: { url: verifying.url }, secret: { signing_secrets: [before] } },
    bearer: { behaviour: 200, entry: { auth: { type: 'bearer' } } },
    mistaken: { behaviour: 200 },
    watched: { behaviour: 200 },
    resting: { behaviour: 200 },
  },
});

/** Cache time of a secret that no partner refused. */
const SECRET_CACHE_MS = 15 * 60_000;

/** At least so far apart are two fetches of a secret that was refused. */
const REFETCH_PAUSE_MS = 5_000;

test('a signing secret rotated while events flow: every delivery verifies with what the partner holds at that time', async () => {
  const [old] = session().signingSecrets.get('rotating') ?? [];
  const fresh = newSigningSecret();
  const receipts = () => session().partner.receipts.filter(({ integration_id }) => integration_id === 'rotating');
  let published = 0;
  /** Publishes five. @returns the numbers of signatures that they were sent with */
  const publishMore = async () => {
    const ids = Array.from({ length: 5 }, () => {
      published += 1;
      return `flowing-${published}`;
    });
    await publishTo(session(), 'rotating', ids);
    await waitForAttempts(session(), 'rotating', ids, ['delivered']);
    const signatures = ids.flatMap((id) =>
      receiptsOf(session(), 'rotating', id).map(
        ({ headers }) => String(headers['webhook-signature']).split(' ').length,
      ),
    );
    expect(signatures).toHaveLength(ids.length);
    return [...new Set(signatures)];
  };
  expect(await publishMore()).toEqual([1]);
  const endMs = Date.now() + 2 * SECRET_CACHE_MS;
  const ending = { secret: old, not_after: new Date(endMs).toISOString() };
  await storeSecret(session(), 'rotating', { signing_secrets: [fresh, ending] });
  // A function that started before this signs with the old one for a while, and one that starts now with both.
  await publishMore();
  await session().skip(SECRET_CACHE_MS);
  expect(await publishMore()).toEqual([2]);
  session().adoptSigningSecret('rotating');
  expect(await publishMore()).toEqual([2]);
  // The secret is not written again: the old one ends by itself.
  await session().skip(endMs + CLOCK_SKEW_MS - Date.now());
  expect(await publishMore()).toEqual([1]);

  expect(receipts().filter(({ verified }) => !verified)).toEqual([]);
  expect(receipts().map(({ signing_secret }) => signing_secret === fresh)).toEqual(
    receipts().map((_, index) => index >= 15),
  );
  expect(await deadLettersOf(session(), 'rotating')).toEqual([]);
});

test('a secret replaced outright: the partner’s 401 makes the function fetch it again, within the same attempt', async () => {
  const statuses = () => verifying.received.map(({ body, headers }) => verify(String(body), headers, [after]).verified);
  await publishTo(session(), 'verifying', ['with-the-old']);
  await waitForAttempts(session(), 'verifying', ['with-the-old'], ['delivered']);
  await session().skip(REFETCH_PAUSE_MS);

  await storeSecret(session(), 'verifying', { signing_secrets: [after] });
  held = after;
  await publishTo(session(), 'verifying', ['with-the-new']);
  await waitForAttempts(session(), 'verifying', ['with-the-new'], ['delivered']);
  const [attempt] = linesOf(session(), 'delivery.attempted', 'verifying', 'with-the-new');
  expect(attempt).toMatchObject({ outcome: 'delivered', status: 200, attempt: 1 });
  expect(statuses()).toEqual([false, false, true]);
});

test('a secret that lacks what auth needs: its own events are dead-lettered; once it is fixed, they are redriven', async () => {
  const { platform } = session();
  // The message attribute that tracing libraries set is kept in the dead-letter message.
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  await platform.queues.client.send(
    new SendMessageCommand({
      QueueUrl: output(platform, 'EventsQueueUrl'),
      MessageBody: JSON.stringify(completion('without-token', 'bearer', LEARNER.known)),
      MessageAttributes: { traceparent: { DataType: 'String', StringValue: traceparent } },
    }),
  );
  await publishTo(session(), 'skillsoft', ['next-to-it']);
  const [letter, ...more] = await until(session(), async () => {
    const letters = await deadLettersOf(session(), 'bearer');
    return letters.length > 0 && letters;
  });
  expect(more).toEqual([]);
  expect(letter?.reason).toBe(
    'the secret has no bearer_token (a text of 1 to 4096 visible ASCII characters), which auth bearer needs',
  );
  expect(receiptsOf(session(), 'bearer', 'without-token')).toEqual([]);
  await waitForAttempts(session(), 'skillsoft', ['next-to-it'], ['delivered']);

  const signing_secrets = session().signingSecrets.get('bearer');
  await storeSecret(session(), 'bearer', { signing_secrets, bearer_token: 'test-only-token' });
  await session().skip(REFETCH_PAUSE_MS);
  const QueueUrl = output(platform, 'DeliveriesQueueUrl');
  await platform.queues.client.send(new SendMessageCommand({ QueueUrl, MessageBody: letter?.body }));
  await until(session(), () => receiptsOf(session(), 'bearer', 'without-token').length > 0);
  expect(receiptsOf(session(), 'bearer', 'without-token')).toEqual([
    expect.objectContaining({
      verified: true,
      headers: expect.objectContaining({ authorization: 'Bearer test-only-token', traceparent }),
    }),
  ]);
});

test('paused, all or one: events wait in the workflow unsent, and are sent when they are resumed', async () => {
  const paused = [
    ['skillsoft', 'in-the-pause'],
    ['resting', 'rested-1'],
    ['resting', 'rested-2'],
  ] as const;
  redeploy(session(), {}, { paused: true });
  await session().skipPollInterval();
  await publishTo(session(), 'skillsoft', ['in-the-pause']);
  await publishTo(session(), 'resting', ['rested-1', 'rested-2']);
  for (const [integrationId, eventId] of paused) {
    expect(await waitForParking(session(), integrationId, eventId)).toBe('parked: all integrations are paused');
    const executions = session().platform.stateMachine.executionsNamed(webhookId(integrationId, eventId));
    expect(executions.map(({ status }) => status)).toEqual(['RUNNING']);
  }
  expect(paused.flatMap(([integrationId, eventId]) => receiptsOf(session(), integrationId, eventId))).toEqual([]);

  redeploy(session(), { resting: { paused: true } });
  await waitForAttempts(session(), 'skillsoft', ['in-the-pause'], ['delivered']);
  expectParkings(session(), 'skillsoft', 'in-the-pause', [['parked: all integrations are paused', 60]]);
  const parkings = (eventId: string) => linesOf(session(), 'delivery.parked', 'resting', eventId);
  await until(session(), () => ['rested-1', 'rested-2'].every((id) => parkings(id).length === 2));
  await publishTo(session(), 'resting', ['rested-3']);
  expect(await waitForParking(session(), 'resting', 'rested-3')).toBe('parked: integration resting is paused');
  expect(session().partner.receipts.filter(({ integration_id }) => integration_id === 'resting')).toEqual([]);

  redeploy(session(), {});
  const resting = ['rested-1', 'rested-2', 'rested-3'];
  await waitForAttempts(session(), 'resting', resting, ['delivered']);
  for (const id of ['rested-1', 'rested-2']) {
    expectParkings(session(), 'resting', id, [
      ['parked: all integrations are paused', 60],
      ['parked: integration resting is paused', 120],
    ]);
  }
  expectParkings(session(), 'resting', 'rested-3', [['parked: integration resting is paused', 60]]);
  expect(resting.map((id) => receiptsOf(session(), 'resting', id).length)).toEqual([1, 1, 1]);
  expect(linesOf(session(), 'delivery.attempted', 'resting', 'rested-1')[0]).toMatchObject({ attempt: 1 });
  expect(await deadLettersOf(session(), 'resting')).toEqual([]);
});

/** A duplicate header, which JSON Schema cannot detect. */
const IMPOSSIBLE = {
  headers: [
    { name: 'X-Tenant', value: 'one' },
    { name: 'x-tenant', value: 'two' },
  ],
};

test('an impossible entry that the validator lets pass: its last good version serves on, the others are not touched', async () => {
  const serve = async (eventId: string) => {
    for (const id of ['mistaken', 'watched']) await publishTo(session(), id, [eventId]);
    for (const id of ['mistaken', 'watched']) await waitForAttempts(session(), id, [eventId], ['delivered']);
  };
  await serve('before');
  redeploy(session(), {
    mistaken: { ...IMPOSSIBLE, url: `${session().partner.url}/elsewhere` },
    watched: { headers: [{ name: 'X-Version', value: 'two' }] },
  });
  await session().skipPollInterval();
  await serve('changed');

  expect(receiptsOf(session(), 'watched', 'changed')[0]?.headers).toHaveProperty('x-version', 'two');
  expect(receiptsOf(session(), 'mistaken', 'changed')[0]?.headers).not.toHaveProperty('x-tenant');
  expect(session().partner.receipts.filter(({ path }) => path === '/elsewhere')).toEqual([]);
  expect(await logged(session(), 'integrations.faulty')).toContainEqual(
    expect.objectContaining({ faults: ['integration mistaken: headers.1.name: is set twice'] }),
  );
  expect(await deadLettersOf(session(), 'mistaken')).toEqual([]);
});

test('a function that starts with an impossible entry: its events wait until it is fixed, the others are served', async () => {
  redeploy(session(), { mistaken: IMPOSSIBLE });
  await endDeliveryFunctions(session());
  for (const id of ['mistaken', 'watched']) await publishTo(session(), id, ['waiting']);
  await until(session(), async () =>
    (await logged(session(), 'delivery.failed')).some(({ error }) => error === 'ConfigurationUnavailable'),
  );
  await waitForAttempts(session(), 'watched', ['waiting'], ['delivered']);
  expect(receiptsOf(session(), 'mistaken', 'waiting')).toEqual([]);

  redeploy(session(), {});
  await waitForAttempts(session(), 'mistaken', ['waiting'], ['delivered']);
  expect(receiptsOf(session(), 'mistaken', 'waiting')).toHaveLength(1);
  expect(await deadLettersOf(session(), 'mistaken')).toEqual([]);
});

describe('a change of the flag', () => {
  /** Enterprises at places all over the rollout, and the one of which the warehouse has learning time. */
  const enterprises = [ENTERPRISE, ...Array.from({ length: 19 }, (_, index) => `enterprise-${index}`)];

  /** What an operator makes of the flag, one version after the other. */
  const versions: readonly Flag[] = [
    { enabled: true, pilot_enterprises: [ENTERPRISE] },
    { enabled: true, pilot_enterprises: [ENTERPRISE], rollout_percentage: 30 },
    { enabled: true, rollout_percentage: 60 },
    { enabled: false },
  ].map((values) => flagSchema.parse(values));

  /** The flag's document has no empty list. */
  const written = ({ pilot_enterprises: pilots, ...flag }: Flag) => ({
    ...flag,
    ...(pilots.length > 0 && { pilot_enterprises: pilots }),
  });

  /** Publishes one event of each enterprise. @returns the enterprises by the events' ids */
  async function publishOfEach(name: string): Promise<ReadonlyMap<string, string>> {
    const published = new Map(enterprises.map((enterprise, index) => [`${name}-${index}`, enterprise]));
    const events = [...published].map(([id, enterprise_customer_uuid]) => {
      const { payload, ...event } = completion(id, 'rolled', LEARNER.known);
      return { ...event, payload: { ...payload, enterprise: { enterprise_customer_uuid } } };
    });
    await publishTogether(session(), events);
    return published;
  }

  const attemptOf = (eventId: string) => linesOf(session(), 'delivery.attempted', 'rolled', eventId)[0];

  test('under traffic: each delivery matches its version of the flag, in running functions within a poll interval', async () => {
    const pool = session().platform.functions.find('enrich-batch');
    const flags = new Map(
      [flagSchema.parse({ enabled: false }), ...versions].map((flag) => [configVersion(flag, undefined), flag]),
    );
    const published = new Map<string, string>();
    for (const [index, flag] of versions.entries()) {
      // Under way while the flag changes: each is decided by this version or the one before.
      const before = await publishOfEach(`before-${index}`);
      deployFlag(session().platform, written(flag));
      await until(session(), () => [...before.keys()].every(attemptOf));
      await session().skipPollInterval();
      const running = pool.processIds();
      const after = await publishOfEach(`after-${index}`);
      await until(session(), () => [...after.keys()].every(attemptOf));
      const decidedBy = new Set([...after.keys()].map((id) => attemptOf(id)?.config_version));
      expect([...decidedBy]).toEqual([configVersion(flag, undefined)]);
      const ids = [...after.keys()].map((id) => webhookId('rolled', id));
      const lines = pool
        .logs()
        .filter(({ text }) => text.includes('events.enriched') && ids.some((id) => text.includes(id)));
      expect(lines.some(({ processId }) => running.includes(processId))).toBe(true);
      for (const [eventId, enterprise] of [...before, ...after]) published.set(eventId, enterprise);
    }

    const decided = new Map<string, Set<boolean>>();
    for (const [id, enterprise] of published) {
      const receipts = receiptsOf(session(), 'rolled', id);
      const { config_version, enrichment } = attemptOf(id) ?? {};
      const version = String(config_version);
      const flag = flags.get(version);
      if (flag === undefined) throw new Error(`${id} was decided by ${version}, an unknown version`);
      const { isOn } = evaluateFlag(flag, enterprise);
      // The warehouse has nothing of the other enterprises: there the reason shows whether it was queried.
      expect({ id, version, isAsked: enrichment !== 'flag_off', learningTimes: receipts.map(hasLearningTime) }).toEqual(
        {
          ...{ id, version, isAsked: isOn },
          learningTimes: [isOn && enterprise === ENTERPRISE],
        },
      );
      decided.set(version, (decided.get(version) ?? new Set()).add(isOn));
    }
    // Not vacuous: those with pilots or a percentage decided both ways.
    expect([...decided.values()].filter(({ size }) => size === 2)).toHaveLength(3);
  });
});

function hasLearningTime(receipt: Receipt): boolean {
  return learningTimeOf(receipt) !== undefined;
}
