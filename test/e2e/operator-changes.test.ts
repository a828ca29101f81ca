import { SendMessageCommand } from '@aws-sdk/client-sqs';
import { afterAll, expect, test } from '@jest/globals';
import { output } from '../../local/demo/operator.ts';
import { newSigningSecret, verify } from '../../local/demo/signature.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { until } from '../support/assembly.ts';
import { startPartner } from '../support/partner-server.ts';
import {
  deadLettersOf,
  endDeliveryFunctions,
  linesOf,
  logged,
  publishTo,
  receiptsOf,
  redeploy,
  runningWorld,
  storeSecret,
  TAKEN_OVER_MS,
} from './running-world.ts';

const before = newSigningSecret();
const after = newSigningSecret();

/** A partner who verifies, and lets nobody in whose signature is not right by what it holds. */
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
  },
});

/** Publishes all the time until `story` is over. @returns what was published */
async function whilePublishing(integrationId: string, story: () => Promise<void>): Promise<readonly string[]> {
  const ids: string[] = [];
  let isOver = false;
  const publishing = (async () => {
    while (!isOver) {
      ids.push(`flowing-${ids.length}`);
      await publishTo(world(), integrationId, ids.slice(-1));
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  await story().finally(() => {
    isOver = true;
  });
  await publishing;
  return ids;
}

test('a signing secret rotated while events flow: every webhook verifies with what the partner holds just then', async () => {
  const [old] = world().signingSecrets.get('rotating') ?? [];
  const fresh = newSigningSecret();
  const receipts = () => world().partner.receipts.filter(({ integration_id }) => integration_id === 'rotating');
  const signedWith = (signatures: number) =>
    receipts().filter(({ headers }) => String(headers['webhook-signature']).split(' ').length === signatures);
  const more = (of: () => readonly unknown[], than = 0) => until(() => of().length >= than + 5, 30_000);

  const published = await whilePublishing('rotating', async () => {
    await more(receipts);
    await storeSecret(world(), 'rotating', { signing_secrets: [fresh, old] });
    await endDeliveryFunctions(world());
    await more(() => signedWith(2));
    world().adoptSigningSecret('rotating');
    await more(receipts, receipts().length);
    await storeSecret(world(), 'rotating', { signing_secrets: [fresh] });
    await endDeliveryFunctions(world());
    await more(() => signedWith(1), signedWith(1).length);
  });
  await until(() => published.every((id) => receiptsOf(world(), 'rotating', id).length > 0), TAKEN_OVER_MS);
  expect(receipts().filter(({ verified }) => !verified)).toEqual([]);
  expect(new Set(receipts().map(({ signing_secret }) => signing_secret))).toEqual(new Set([old, fresh]));
  expect(await deadLettersOf(world(), 'rotating')).toEqual([]);
}, 180_000);

test('a secret replaced outright: the partner’s 401 makes the function fetch it anew, within the same try', async () => {
  const statuses = () => verifying.received.map(({ body, headers }) => verify(String(body), headers, [after]).verified);
  // What the test before left behind would keep the environment busy that has the old secret, and a new one has the new.
  await awaitQuiet(world(), 60_000);
  await publishTo(world(), 'verifying', ['with-the-old']);
  await until(() => linesOf(world(), 'delivery.attempted', 'verifying', 'with-the-old').length === 1, 30_000);
  const fetchedBefore = Date.now();
  // Fetches of a secret are at least 5 s apart: within that, the one that was just refused is as new as can be had.
  await until(() => Date.now() > fetchedBefore + 5_000);

  await storeSecret(world(), 'verifying', { signing_secrets: [after] });
  held = after;
  await publishTo(world(), 'verifying', ['with-the-new']);
  const [attempt] = await until(() => {
    const lines = linesOf(world(), 'delivery.attempted', 'verifying', 'with-the-new');
    return lines.length > 0 && lines;
  }, 30_000);
  expect(attempt).toMatchObject({ outcome: 'delivered', status: 200, attempt: 1 });
  expect(statuses()).toEqual([false, false, true]);
}, 180_000);

test('a secret that lacks what auth needs: its own events are dead-lettered; mended, they are redriven', async () => {
  const { platform } = world();
  await publishTo(world(), 'bearer', ['without-token']);
  await publishTo(world(), 'skillsoft', ['beside-it']);
  const [letter] = await until(async () => {
    const letters = await deadLettersOf(world(), 'bearer');
    return letters.length > 0 && letters;
  }, 30_000);
  const fetchedBefore = Date.now();
  expect(letter?.reason).toBe(
    'the secret has no bearer_token (a text of 1 to 4096 visible ASCII characters), which auth bearer needs',
  );
  expect(receiptsOf(world(), 'bearer', 'without-token')).toEqual([]);
  await until(() => receiptsOf(world(), 'skillsoft', 'beside-it').length === 1, 30_000);

  const signing_secrets = world().signingSecrets.get('bearer');
  await storeSecret(world(), 'bearer', { signing_secrets, bearer_token: 'test-only-token' });
  await until(() => Date.now() > fetchedBefore + 5_000);
  const QueueUrl = output(platform, 'DeliveriesQueueUrl');
  await platform.queues.client.send(new SendMessageCommand({ QueueUrl, MessageBody: letter?.body }));
  const [receipt] = await until(() => {
    const receipts = receiptsOf(world(), 'bearer', 'without-token');
    return receipts.length > 0 && receipts;
  }, 30_000);
  expect(receipt).toMatchObject({ verified: true, headers: { authorization: 'Bearer test-only-token' } });
}, 60_000);

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
    await until(() => ['mistaken', 'watched'].every((id) => receiptsOf(world(), id, eventId).length > 0), 30_000);
  };
  await serve('before');
  redeploy(world(), {
    mistaken: { ...IMPOSSIBLE, url: `${world().partner.url}/elsewhere` },
    watched: { headers: [{ name: 'X-Version', value: 'two' }] },
  });
  let round = 0;
  await until(async () => {
    round += 1;
    await serve(`round-${round}`);
    return receiptsOf(world(), 'watched', `round-${round}`)[0]?.headers['x-version'] === 'two';
  }, 30_000);

  expect(receiptsOf(world(), 'mistaken', `round-${round}`)[0]?.headers).not.toHaveProperty('x-tenant');
  expect(world().partner.receipts.filter(({ path }) => path === '/elsewhere')).toEqual([]);
  expect(await logged(world(), 'integrations.faulty')).toContainEqual(
    expect.objectContaining({ faults: ['integration mistaken: headers.1.name: is set twice'] }),
  );
  expect(await deadLettersOf(world(), 'mistaken')).toEqual([]);
}, 60_000);

test('a function that starts with an impossible entry: its events wait until it is mended, the others are served', async () => {
  redeploy(world(), {});
  for (const id of ['mistaken', 'watched']) await publishTo(world(), id, ['known']);
  await until(() => receiptsOf(world(), 'mistaken', 'known').length > 0, 30_000);
  redeploy(world(), { mistaken: IMPOSSIBLE });
  await endDeliveryFunctions(world());
  for (const id of ['mistaken', 'watched']) await publishTo(world(), id, ['waiting']);
  await until(() => receiptsOf(world(), 'watched', 'waiting').length > 0, 30_000);
  await until(
    async () => (await logged(world(), 'delivery.failed')).some(({ error }) => error === 'ConfigurationUnavailable'),
    30_000,
  );
  expect(receiptsOf(world(), 'mistaken', 'waiting')).toEqual([]);

  redeploy(world(), {});
  await until(() => receiptsOf(world(), 'mistaken', 'waiting').length > 0, 30_000);
  expect(await deadLettersOf(world(), 'mistaken')).toEqual([]);
}, 60_000);
