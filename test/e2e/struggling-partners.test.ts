import { ConfirmSubscriptionCommand, SNSClient } from '@aws-sdk/client-sns';
import { afterAll, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import { limiterKey } from '../../lambdas/limiter/limiter-record.ts';
import { FAILURES_TO_OPEN } from '../../lambdas/limiter/limiter-settings.ts';
import { readLogs } from '../../local/demo/evidence.ts';
import { LOCAL_CREDENTIALS } from '../../local/sqs/queues.ts';
import { ask } from '../../local/valkey/ask.ts';
import { startPartner } from '../support/partner-server.ts';
import {
  deadLettersOf,
  expectParkings,
  linesOf,
  logged,
  publishTo,
  receiptsOf,
  redeploy,
  runCommand,
  runningSession,
  until,
  waitForAttempts,
  waitForParking,
} from './running-session.ts';

/**
 * A partner that responds 429 to requests over a limit per second, with a Retry-After of one second.
 *
 * @param spent as many requests are refused at first, as where others have used up the limit
 */
async function startStrictPartner(mostPerSecond: number, spent: number) {
  const answered: { readonly webhookId: string; readonly atMs: number; readonly status: number }[] = [];
  const server = await startPartner((answer, { headers }) => {
    const atMs = Date.now();
    const recent = answered.filter((one) => one.atMs > atMs - 1000).length;
    const status = recent < mostPerSecond && answered.length >= spent ? 200 : 429;
    answered.push({ webhookId: String(headers['webhook-id']), atMs, status });
    answer.writeHead(status, status === 429 ? { 'retry-after': '1' } : {}).end();
  });
  return { url: server.url, answered, close: () => server.close() };
}

const REFUSED_AT_FIRST = 6;
const stormed = await startStrictPartner(10, REFUSED_AT_FIRST);
afterAll(() => stormed.close());

const CONTACT = 'team@partner.example';

const session = runningSession({
  partners: {
    healthy: { behaviour: 200 },
    hanging: { behaviour: 'hang' },
    failing: { behaviour: 503 },
    leaving: { behaviour: 410, entry: { contacts: [CONTACT] } },
    stormed: { behaviour: 200, entry: { url: stormed.url } },
  },
  // More processes would only wait for two cores.
  platformOptions: { accountConcurrency: 10 },
});

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`);

const receivedBy = (integrationId: string) =>
  session().partner.receipts.filter(({ integration_id }) => integration_id === integrationId);

test('while one partner hangs, another’s events arrive', async () => {
  const { platform, partner } = session();
  const [first, second, ...others] = numbered('hung', 6) as [string, string, ...string[]];
  await publishTo(session(), 'hanging', [first, second]);
  // Two requests without a response for 2 s make an endpoint slow, while they still wait for it.
  await until(session(), () => isSlow('hanging'));
  partner.setBehaviour('/hanging', 200);
  const beside = numbered('beside', 12);
  await publishTo(session(), 'hanging', others);
  await publishTo(session(), 'healthy', beside);
  await waitForAttempts(session(), 'healthy', beside, ['delivered']);
  await waitForAttempts(session(), 'hanging', [first, second], ['retry', 'delivered']);
  await waitForAttempts(session(), 'hanging', others, ['delivered']);
  const executions = (id: string) => platform.stateMachine.executionsNamed(webhookId('hanging', id));
  // What came later was left to the workflow: the queue's functions did not wait for that partner again.
  expect(others.map((id) => executions(id).map(({ status }) => status))).toEqual(others.map(() => ['SUCCEEDED']));
  expect(await deadLettersOf(session(), 'hanging')).toEqual([]);
});

/** Whether the limiter counts an endpoint as slow. */
async function isSlow(integrationId: string): Promise<boolean> {
  const slowUntil = await ask(session().platform.valkey.port, ['HGET', limiterKey({ id: integrationId }), 'slow']);
  return Number(slowUntil.split('\r\n')[1] ?? 0) > 0;
}

test('a partner that fails gets one request at a time to find out, and everything when it is back', async () => {
  const { partner } = session();
  const early = numbered('early', FAILURES_TO_OPEN);
  const late = numbered('late', 5);
  await publishTo(session(), 'failing', early);
  await waitForAttempts(session(), 'failing', early, ['retry']);
  await publishTo(session(), 'failing', late);
  const parked = (id: string) => linesOf(session(), 'delivery.parked', 'failing', id);
  await until(session(), () => late.every((id) => parked(id).length === 1));
  expect(late.map((id) => parked(id)[0]?.reason)).toEqual(late.map(() => 'parked: integration failing is failing'));
  expect(receivedBy('failing')).toHaveLength(FAILURES_TO_OPEN);

  // The first released delivery finds that the partner still fails; all others are parked again.
  const all = [...early, ...late];
  await until(session(), () => receivedBy('failing').length > FAILURES_TO_OPEN);
  await session().skip(0);
  expect(receivedBy('failing')).toHaveLength(FAILURES_TO_OPEN + 1);
  partner.setBehaviour('/failing', 200);
  const delivered = (id: string) => linesOf(session(), 'delivery.attempted', 'failing', id).filter(isDelivered).length;
  await until(session(), () => all.every((id) => delivered(id) === 1));
  await session().skip(0);
  expect(receivedBy('failing')).toHaveLength(FAILURES_TO_OPEN + 1 + all.length);
  expect(await deadLettersOf(session(), 'failing')).toEqual([]);
});

/** Subscribes the contacts as an operator does, and opens the link of SNS's mail as the contact does. */
async function subscribeContacts() {
  const { topics, endpoints } = session().platform;
  const { status, lines } = await runCommand(session(), ['integration', 'validate']);
  expect([status, lines.filter((line) => line.includes('contact'))]).toEqual([
    0,
    [`  contact ${CONTACT}: SNS has sent a mail with a link, which confirms the subscription`],
  ]);
  const [confirmation] = topics.mails.splice(0);
  const client = new SNSClient({
    ...{ endpoint: String(endpoints.AWS_ENDPOINT_URL_SNS), region: 'us-east-1', credentials: LOCAL_CREDENTIALS },
  });
  await client.send(new ConfirmSubscriptionCommand({ TopicArn: confirmation?.topicArn, Token: confirmation?.text }));
  client.destroy();
}

/** Mails to contacts: the address, the integration and the reason. */
function mailed() {
  return session().platform.topics.mails.map(({ address, text }) => {
    const { integration_id, reason } = JSON.parse(text);
    return [address, integration_id, reason];
  });
}

test('410: later events of that integration are parked without a request, until it is resumed; its contact gets mails', async () => {
  const others = ['after-it-left-1', 'after-it-left-2'];
  await subscribeContacts();
  await publishTo(session(), 'leaving', ['last']);
  expect(await waitForParking(session(), 'leaving', 'last')).toBe('parked: HTTP 410, the endpoint is gone');
  await publishTo(session(), 'leaving', others);
  for (const id of others) {
    expect(await waitForParking(session(), 'leaving', id)).toBe('parked: integration leaving is gone');
  }
  expect(others.flatMap((id) => receiptsOf(session(), 'leaving', id))).toEqual([]);
  const { lines } = await runCommand(session(), ['alarms']);
  expect(lines).toContainEqual(expect.stringMatching(/^integration-parked +ALARM /));
  expect(mailed()).toEqual([[CONTACT, 'leaving', 'endpoint_gone']]);

  session().partner.setBehaviour('/leaving', 200);
  redeploy(session(), { leaving: { resumed_at: new Date().toISOString() } });
  await waitForAttempts(session(), 'leaving', others, ['delivered']);
  await waitForAttempts(session(), 'leaving', ['last'], ['retry', 'delivered']);
  expectParkings(session(), 'leaving', 'last', [['parked: HTTP 410, the endpoint is gone', 60]]);
  for (const id of others) expectParkings(session(), 'leaving', id, [['parked: integration leaving is gone', 60]]);
  expect(['last', ...others].map((id) => receiptsOf(session(), 'leaving', id).length)).toEqual([2, 1, 1]);
  expect(await deadLettersOf(session(), 'leaving')).toEqual([]);
  expect(mailed().slice(1)).toEqual([[CONTACT, 'leaving', 'endpoint_responded']]);
  for (const message of ['operational_event.refused', 'operational_event.failed'])
    expect(await logged(session(), message)).toEqual([]);
  expect(JSON.stringify(readLogs(session().platform))).not.toContain(CONTACT);
});

test('no limit configured, a storm of 429: every event arrives and none is parked or dead-lettered', async () => {
  const ids = numbered('storm', 12);
  await publishTo(session(), 'stormed', ids);
  const taken = (id: string) =>
    stormed.answered.filter((one) => one.status === 200 && one.webhookId === webhookId('stormed', id)).length;
  await until(session(), () => ids.every((id) => taken(id) > 0));
  await session().skip(0);

  expect(ids.map(taken)).toEqual(ids.map(() => 1));
  expect(stormed.answered.slice(0, REFUSED_AT_FIRST).map(({ status }) => status)).toEqual(
    Array.from({ length: REFUSED_AT_FIRST }, () => 429),
  );
  // The partner asked for a pause, which does not open the circuit breaker.
  expect(ids.flatMap((id) => linesOf(session(), 'delivery.parked', 'stormed', id))).toEqual([]);
  expect(await deadLettersOf(session(), 'stormed')).toEqual([]);
});

function isDelivered({ outcome }: { readonly outcome?: unknown }): boolean {
  return outcome === 'delivered';
}
