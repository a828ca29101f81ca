import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import { output } from '../../local/demo/operator.ts';
import { newSigningSecret, verify } from '../../local/demo/signature.ts';
import { startPartner } from '../support/partner-server.ts';
import {
  deadLettersOf,
  endDeliveryFunctions,
  expectParkings,
  linesOf,
  logged,
  publishTo,
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
    skillsoft: { answers: 200 },
    rotating: { answers: 200 },
    verifying: { answers: 200, entry: { url: verifying.url }, secret: { signing_secrets: [before] } },
    bearer: { answers: 200, entry: { auth: { type: 'bearer' } } },
    mistaken: { answers: 200 },
    watched: { answers: 200 },
    resting: { answers: 200 },
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
  await storeSecret(session(), 'rotating', { signing_secrets: [fresh, old] });
  // A function that started before this signs with the old one for a while, and one that starts now with both.
  await publishMore();
  await session().skip(SECRET_CACHE_MS);
  expect(await publishMore()).toEqual([2]);
  session().adoptSigningSecret('rotating');
  expect(await publishMore()).toEqual([2]);
  await storeSecret(session(), 'rotating', { signing_secrets: [fresh] });
  await publishMore();
  await session().skip(SECRET_CACHE_MS);
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
  await publishTo(session(), 'bearer', ['without-token']);
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
      headers: expect.objectContaining({ authorization: 'Bearer test-only-token' }),
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
