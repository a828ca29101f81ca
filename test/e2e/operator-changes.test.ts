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
  runningWorld,
  storeSecret,
  until,
  waitForAttempts,
  waitForParking,
} from './running-world.ts';

const before = newSigningSecret();
const after = newSigningSecret();

/** A partner that verifies, and takes only what has the right signature by the secret that it holds. */
let held = before;
const verifying = await startPartner((answer, { body, headers }) => {
  answer.writeHead(verify(String(body), headers, [held]).verified ? 200 : 401).end();
});
afterAll(() => verifying.close());

const world = runningWorld({
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

/** How long a function keeps a secret that nobody refused. */
const SECRET_CACHE_MS = 15 * 60_000;

/** At least so far apart are two fetches of a secret that was refused. */
const REFETCH_PAUSE_MS = 5_000;

test('a signing secret rotated while events flow: every delivery verifies with what the partner holds at that time', async () => {
  const [old] = world().signingSecrets.get('rotating') ?? [];
  const fresh = newSigningSecret();
  const receipts = () => world().partner.receipts.filter(({ integration_id }) => integration_id === 'rotating');
  let published = 0;
  /** Publishes five. @returns the numbers of signatures that they were sent with */
  const publishMore = async () => {
    const ids = Array.from({ length: 5 }, () => {
      published += 1;
      return `flowing-${published}`;
    });
    await publishTo(world(), 'rotating', ids);
    await waitForAttempts(world(), 'rotating', ids, ['delivered']);
    const signatures = ids.flatMap((id) =>
      receiptsOf(world(), 'rotating', id).map(({ headers }) => String(headers['webhook-signature']).split(' ').length),
    );
    expect(signatures).toHaveLength(ids.length);
    return [...new Set(signatures)];
  };
  expect(await publishMore()).toEqual([1]);
  await storeSecret(world(), 'rotating', { signing_secrets: [fresh, old] });
  // A function that started before this signs with the old one for a while, and one that starts now with both.
  await publishMore();
  await world().skip(SECRET_CACHE_MS);
  expect(await publishMore()).toEqual([2]);
  world().adoptSigningSecret('rotating');
  expect(await publishMore()).toEqual([2]);
  await storeSecret(world(), 'rotating', { signing_secrets: [fresh] });
  await publishMore();
  await world().skip(SECRET_CACHE_MS);
  expect(await publishMore()).toEqual([1]);

  expect(receipts().filter(({ verified }) => !verified)).toEqual([]);
  expect(receipts().map(({ signing_secret }) => signing_secret === fresh)).toEqual(
    receipts().map((_, index) => index >= 15),
  );
  expect(await deadLettersOf(world(), 'rotating')).toEqual([]);
});

test('a secret replaced outright: the partner’s 401 makes the function fetch it again, within the same attempt', async () => {
  const statuses = () => verifying.received.map(({ body, headers }) => verify(String(body), headers, [after]).verified);
  await publishTo(world(), 'verifying', ['with-the-old']);
  await waitForAttempts(world(), 'verifying', ['with-the-old'], ['delivered']);
  await world().skip(REFETCH_PAUSE_MS);

  await storeSecret(world(), 'verifying', { signing_secrets: [after] });
  held = after;
  await publishTo(world(), 'verifying', ['with-the-new']);
  await waitForAttempts(world(), 'verifying', ['with-the-new'], ['delivered']);
  const [attempt] = linesOf(world(), 'delivery.attempted', 'verifying', 'with-the-new');
  expect(attempt).toMatchObject({ outcome: 'delivered', status: 200, attempt: 1 });
  expect(statuses()).toEqual([false, false, true]);
});

test('a secret that lacks what auth needs: its own events are dead-lettered; once it is fixed, they are redriven', async () => {
  const { platform } = world();
  await publishTo(world(), 'bearer', ['without-token']);
  await publishTo(world(), 'skillsoft', ['beside-it']);
  const [letter, ...more] = await until(world(), async () => {
    const letters = await deadLettersOf(world(), 'bearer');
    return letters.length > 0 && letters;
  });
  expect(more).toEqual([]);
  expect(letter?.reason).toBe(
    'the secret has no bearer_token (a text of 1 to 4096 visible ASCII characters), which auth bearer needs',
  );
  expect(receiptsOf(world(), 'bearer', 'without-token')).toEqual([]);
  await waitForAttempts(world(), 'skillsoft', ['beside-it'], ['delivered']);

  const signing_secrets = world().signingSecrets.get('bearer');
  await storeSecret(world(), 'bearer', { signing_secrets, bearer_token: 'test-only-token' });
  await world().skip(REFETCH_PAUSE_MS);
  const QueueUrl = output(platform, 'DeliveriesQueueUrl');
  await platform.queues.client.send(new SendMessageCommand({ QueueUrl, MessageBody: letter?.body }));
  await until(world(), () => receiptsOf(world(), 'bearer', 'without-token').length > 0);
  expect(receiptsOf(world(), 'bearer', 'without-token')).toEqual([
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
  redeploy(world(), {}, { paused: true });
  await world().skipPollInterval();
  await publishTo(world(), 'skillsoft', ['in-the-pause']);
  await publishTo(world(), 'resting', ['rested-1', 'rested-2']);
  for (const [integrationId, eventId] of paused) {
    expect(await waitForParking(world(), integrationId, eventId)).toBe('parked: all integrations are paused');
    const executions = world().platform.stateMachine.executionsNamed(webhookId(integrationId, eventId));
    expect(executions.map(({ status }) => status)).toEqual(['RUNNING']);
  }
  expect(paused.flatMap(([integrationId, eventId]) => receiptsOf(world(), integrationId, eventId))).toEqual([]);

  redeploy(world(), { resting: { paused: true } });
  await waitForAttempts(world(), 'skillsoft', ['in-the-pause'], ['delivered']);
  expectParkings(world(), 'skillsoft', 'in-the-pause', [['parked: all integrations are paused', 60]]);
  const parkings = (eventId: string) => linesOf(world(), 'delivery.parked', 'resting', eventId);
  await until(world(), () => ['rested-1', 'rested-2'].every((id) => parkings(id).length === 2));
  await publishTo(world(), 'resting', ['rested-3']);
  expect(await waitForParking(world(), 'resting', 'rested-3')).toBe('parked: integration resting is paused');
  expect(world().partner.receipts.filter(({ integration_id }) => integration_id === 'resting')).toEqual([]);

  redeploy(world(), {});
  const resting = ['rested-1', 'rested-2', 'rested-3'];
  await waitForAttempts(world(), 'resting', resting, ['delivered']);
  for (const id of ['rested-1', 'rested-2']) {
    expectParkings(world(), 'resting', id, [
      ['parked: all integrations are paused', 60],
      ['parked: integration resting is paused', 120],
    ]);
  }
  expectParkings(world(), 'resting', 'rested-3', [['parked: integration resting is paused', 60]]);
  expect(resting.map((id) => receiptsOf(world(), 'resting', id).length)).toEqual([1, 1, 1]);
  expect(linesOf(world(), 'delivery.attempted', 'resting', 'rested-1')[0]).toMatchObject({ attempt: 1 });
  expect(await deadLettersOf(world(), 'resting')).toEqual([]);
});

/** A header set twice, which JSON Schema cannot tell. */
const IMPOSSIBLE = {
  headers: [
    { name: 'X-Tenant', value: 'one' },
    { name: 'x-tenant', value: 'two' },
  ],
};

test('an impossible entry that the validator lets pass: its last good version serves on, the others are not touched', async () => {
  const serve = async (eventId: string) => {
    for (const id of ['mistaken', 'watched']) await publishTo(world(), id, [eventId]);
    for (const id of ['mistaken', 'watched']) await waitForAttempts(world(), id, [eventId], ['delivered']);
  };
  await serve('before');
  redeploy(world(), {
    mistaken: { ...IMPOSSIBLE, url: `${world().partner.url}/elsewhere` },
    watched: { headers: [{ name: 'X-Version', value: 'two' }] },
  });
  await world().skipPollInterval();
  await serve('changed');

  expect(receiptsOf(world(), 'watched', 'changed')[0]?.headers).toHaveProperty('x-version', 'two');
  expect(receiptsOf(world(), 'mistaken', 'changed')[0]?.headers).not.toHaveProperty('x-tenant');
  expect(world().partner.receipts.filter(({ path }) => path === '/elsewhere')).toEqual([]);
  expect(await logged(world(), 'integrations.faulty')).toContainEqual(
    expect.objectContaining({ faults: ['integration mistaken: headers.1.name: is set twice'] }),
  );
  expect(await deadLettersOf(world(), 'mistaken')).toEqual([]);
});

test('a function that starts with an impossible entry: its events wait until it is fixed, the others are served', async () => {
  redeploy(world(), { mistaken: IMPOSSIBLE });
  await endDeliveryFunctions(world());
  for (const id of ['mistaken', 'watched']) await publishTo(world(), id, ['waiting']);
  await until(world(), async () =>
    (await logged(world(), 'delivery.failed')).some(({ error }) => error === 'ConfigurationUnavailable'),
  );
  await waitForAttempts(world(), 'watched', ['waiting'], ['delivered']);
  expect(receiptsOf(world(), 'mistaken', 'waiting')).toEqual([]);

  redeploy(world(), {});
  await waitForAttempts(world(), 'mistaken', ['waiting'], ['delivered']);
  expect(receiptsOf(world(), 'mistaken', 'waiting')).toHaveLength(1);
  expect(await deadLettersOf(world(), 'mistaken')).toEqual([]);
});
