import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/domain/identity.ts';
import { output } from '../../local/demo/operator.ts';
import { completion, enrollment, LEARNER } from '../../local/demo/sample-events.ts';
import { until } from '../support/assembly.ts';
import { learningTimeOf, logged, receiptsOf, runningWorld } from './running-world.ts';

const world = runningWorld({
  flag: 'on',
  partners: {
    skillsoft: { answers: 200 },
    stubborn: { answers: [503, 503, 503, 503, 200], entry: { max_retries: 3 } },
  },
});

async function published(eventId: string, learner: number = LEARNER.known) {
  await world().publish([JSON.stringify(completion(eventId, 'skillsoft', learner))]);
  await until(() => receiptsOf(world(), 'skillsoft', eventId).length > 0, 30_000);
  return learningTimeOf(receiptsOf(world(), 'skillsoft', eventId)[0]);
}

test('AppConfig down from the start: nothing goes to a guessed place, everything arrives when it is back', async () => {
  const { platform, publish } = world();
  platform.appConfig.setDown(true);
  await publish([JSON.stringify(enrollment('early', 'skillsoft', LEARNER.known))]);
  await until(async () => (await logged(world(), 'events.held')).length > 0, 30_000);
  expect(receiptsOf(world(), 'skillsoft', 'early')).toEqual([]);
  platform.appConfig.setDown(false);

  await until(() => receiptsOf(world(), 'skillsoft', 'early').length > 0, 30_000);
}, 60_000);

test('AppConfig down later: the last configuration is served', async () => {
  expect(await published('before-appconfig-down')).toMatchObject({ total_seconds: 18540 });
  world().platform.appConfig.setDown(true);

  expect(await published('during-appconfig-down')).toMatchObject({ total_seconds: 18540 });
  world().platform.appConfig.setDown(false);
}, 60_000);

test('the cache killed: the warehouse is asked instead', async () => {
  expect(await published('before-cache-down')).toMatchObject({ total_seconds: 18540 });
  world().platform.valkey.kill();
  const asked = world().warehouse.queries().length;

  expect(await published('during-cache-down')).toMatchObject({ total_seconds: 18540 });
  expect(world().warehouse.queries().length).toBeGreaterThan(asked);
}, 60_000);

test('Snowflake refuses the credentials: the event waits in the workflow and is sent without learning time', async () => {
  world().warehouse.setMode('refuse');
  expect(await published('refused', LEARNER.fallback)).toBeUndefined();
  world().warehouse.setMode('up');
}, 60_000);

test('a dead letter redriven to the deliveries queue goes through the workflow again', async () => {
  const { platform, publish } = world();
  const id = webhookId('stubborn', 'redriven');
  await publish([JSON.stringify(enrollment('redriven', 'stubborn', LEARNER.known))]);
  const letter = await until(async () => {
    const QueueUrl = output(platform, 'DeliveriesDeadLetterQueueUrl');
    const { Messages = [] } = await platform.queues.client.send(
      new ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'] }),
    );
    return Messages[0];
  }, 30_000);
  expect(letter.MessageAttributes?.reason?.StringValue).toBe('4 tries failed, the last with: HTTP 503');
  expect(JSON.parse(letter.Body ?? '')).toMatchObject({ webhook_id: id, generation: 1, progress: { attempt: 0 } });

  const QueueUrl = output(platform, 'DeliveriesQueueUrl');
  await platform.queues.client.send(new SendMessageCommand({ QueueUrl, MessageBody: letter.Body }));
  await until(() => receiptsOf(world(), 'stubborn', 'redriven').length === 5, 30_000);
}, 60_000);

test('an execution aborted by hand: what it carried is in the dead letter queue, once', async () => {
  const { platform, warehouse, publish, evidence } = world();
  warehouse.setMode('refuse');
  const id = webhookId('skillsoft', 'aborted');
  await publish([JSON.stringify(completion('aborted', 'skillsoft', LEARNER.back))]);
  const execution = await until(() => platform.stateMachine.execution(`${id}-g0`), 30_000);
  platform.stateMachine.abort(execution.name);

  await until(async () => (await evidence([])).deliveryDeadLetters.some(({ webhookId }) => webhookId === id), 30_000);
  await platform.functions.find('sweep-executions').invoke({});
  const letters = (await evidence([])).deliveryDeadLetters.filter(({ webhookId }) => webhookId === id);
  expect(letters).toHaveLength(1);
  expect(letters[0]?.reason).toBe('workflow execution ABORTED');
  expect(JSON.parse(letters[0]?.body ?? '')).toMatchObject({ generation: 1, progress: { attempt: 0 } });
  warehouse.setMode('up');
}, 60_000);
