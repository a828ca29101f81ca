import { expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import { output } from '../../local/demo/operator.ts';
import { COURSE, completion, ENTERPRISE, enrollment, LEARNER } from '../../local/demo/sample-events.ts';
import { createKeyPair } from '../support/snowflake.ts';
import {
  learningTimeOf,
  logged,
  publishTogether,
  receiptsOf,
  runningSession,
  until,
  waitForAttempts,
} from './running-session.ts';

const session = runningSession({
  flag: 'on',
  partners: {
    skillsoft: { behaviour: 200 },
  },
});

const publishCompletion = (eventId: string, learner: number) =>
  session().publish([JSON.stringify(completion(eventId, 'skillsoft', learner))]);

async function published(eventId: string, learner: number = LEARNER.known) {
  await publishCompletion(eventId, learner);
  await until(session(), () => receiptsOf(session(), 'skillsoft', eventId).length > 0);
  return learningTimeOf(receiptsOf(session(), 'skillsoft', eventId)[0]);
}

test('AppConfig down from the start: nothing goes to a guessed place, everything arrives when it is back', async () => {
  const { platform, publish } = session();
  platform.appConfig.setDown(true);
  await publish([JSON.stringify(enrollment('early', 'skillsoft', LEARNER.known))]);
  await until(session(), async () => (await logged(session(), 'events.held')).length > 0);
  expect(receiptsOf(session(), 'skillsoft', 'early')).toEqual([]);
  platform.appConfig.setDown(false);

  await waitForAttempts(session(), 'skillsoft', ['early'], ['delivered']);
});

test('AppConfig down later: the last configuration is served', async () => {
  expect(await published('before-appconfig-down')).toMatchObject({ total_seconds: 18540 });
  session().platform.appConfig.setDown(true);
  await session().skipPollInterval();

  expect(await published('during-appconfig-down')).toMatchObject({ total_seconds: 18540 });
  const outages = await logged(session(), 'configuration.unavailable');
  expect(outages.some(({ servesLastGood }) => servesLastGood === true)).toBe(true);
  session().platform.appConfig.setDown(false);
});

/** As an operator does: the secret has the new key, then the old one is taken from the user, and its sessions end. */
function rotateKey(): void {
  const { platform, warehouse } = session();
  const { publicKey, privateKey } = createKeyPair();
  const secretName = output(platform, 'SnowflakeSecretName');
  const secret = JSON.parse(platform.controlPlane.secretsManager.current(secretName) ?? '{}');
  platform.secrets.put(secretName, JSON.stringify({ ...secret, private_key: privateKey }));
  warehouse.rotateKey(publicKey);
  warehouse.endSessions();
}

test('the warehouse’s key is rotated twice while events flow: each has its learning time, and none needed a retry', async () => {
  const { platform, warehouse, skip } = session();
  const learners = Array.from({ length: 30 }, (_, index) => 700_000 + index);
  // None is in the cache: each event asks the warehouse.
  await warehouse.load(
    learners.map((userId) => ({
      userId,
      courseId: COURSE,
      enterpriseId: ENTERPRISE,
      date: '2026-01-10',
      seconds: userId,
    })),
  );
  const eventOf = (learner: number) => `rotated-${learner}`;
  const publishAll = (some: readonly number[]) =>
    publishTogether(
      session(),
      some.map((learner) => completion(eventOf(learner), 'skillsoft', learner)),
    );
  const receiptOf = (learner: number) => receiptsOf(session(), 'skillsoft', eventOf(learner))[0];
  for (const first of [0, 15]) {
    const reconnections = (await logged(session(), 'warehouse.reconnecting')).length;
    await publishAll(learners.slice(first, first + 5));
    await until(session(), () => receiptOf(learners[first] as number));
    const rest = publishAll(learners.slice(first + 5, first + 15));
    rotateKey();
    await rest;
    await until(session(), () => learners.slice(first, first + 15).every(receiptOf));
    // At least one function was refused with the old key, and fetched the new secret.
    expect((await logged(session(), 'warehouse.reconnecting')).length).toBeGreaterThan(reconnections);
    // A function fetches its secret again 5 s after the last time at the earliest.
    await skip(5_000);
  }
  expect(learners.map((learner) => learningTimeOf(receiptOf(learner))?.total_seconds)).toEqual(learners);
  const ids = learners.map((learner) => webhookId('skillsoft', eventOf(learner)));
  expect(ids.flatMap((id) => platform.stateMachine.executionsNamed(id))).toEqual([]);
});

test('the cache killed: the warehouse is queried instead', async () => {
  expect(await published('before-cache-down')).toMatchObject({ total_seconds: 18540 });
  session().platform.valkey.kill();
  const asked = session().warehouse.queries().length;

  expect(await published('during-cache-down')).toMatchObject({ total_seconds: 18540 });
  expect(session().warehouse.queries().length).toBe(asked + 1);
});

test('an execution aborted by an operator: its delivery is dead-lettered once', async () => {
  const { platform, warehouse, publish, evidence } = session();
  warehouse.setMode('refuse');
  const id = webhookId('skillsoft', 'aborted');
  await publish([JSON.stringify(completion('aborted', 'skillsoft', LEARNER.back))]);
  const execution = await until(session(), () => platform.stateMachine.execution(`${id}-g0`));
  platform.stateMachine.abort(execution.name);

  const deadLetters = async () => (await evidence([])).deliveryDeadLetters.filter(({ webhookId }) => webhookId === id);
  await until(session(), async () => (await deadLetters()).length > 0);
  await platform.functions.find('sweep-executions').invoke({});
  const [deadLetter, ...more] = await deadLetters();
  expect(more).toEqual([]);
  expect(deadLetter?.reason).toBe('workflow execution ABORTED');
  expect(JSON.parse(deadLetter?.body ?? '')).toMatchObject({ generation: 1, progress: { attempt: 0 } });
  warehouse.setMode('up');
});
