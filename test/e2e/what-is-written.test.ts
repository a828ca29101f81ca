import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import { deployIntegrations, output } from '../../local/demo/operator.ts';
import { completion, ENTERPRISE, LEARNER, lead } from '../../local/demo/sample-events.ts';
import { newSigningSecret } from '../../local/demo/signature.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { type PartnerServer, startPartner } from '../support/partner-server.ts';
import { linesOf, logged, receiptsOf, runningSession, until } from './running-session.ts';

/** Stands in everything that must never be written: a search finds it wherever it went, and however it was cut. */
const MARK = 'MARKED';
const marked = (what: string) => `${MARK}-${what}`;

const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';

const session = runningSession({ flag: 'on', partners: { skillsoft: { behaviour: 200 } } });

/** A partner that repeats what it was sent, in body and headers, and refuses it: first as busy, then for good. */
let repeating: PartnerServer;
beforeAll(async () => {
  repeating = await startPartner((response, { path, headers, body }) => {
    const status = path?.startsWith('/refusing') ? 400 : 503;
    response.writeHead(status, { 'x-error': marked('answer-header') });
    response.end(`${marked('answer')} you sent ${body} with ${JSON.stringify(headers)}`);
  });
  const { url } = repeating;
  const { platform, partner } = session();
  const integrations = {
    taking: { url: `${partner.url}/skillsoft` },
    refusing: { url: `${url}/refusing?key=${marked('url')}` },
    busy: { url: `${url}/busy`, max_retries: 1 },
    unreachable: { url: `http://127.0.0.1:1/${marked('path')}`, max_retries: 1 },
  };
  for (const id of Object.keys(integrations)) {
    const secret = { signing_secrets: [newSigningSecret()], bearer_token: marked('bearer-token') };
    platform.secrets.create(`${output(platform, 'IntegrationSecretsPrefix')}${id}`, JSON.stringify(secret));
  }
  const auth = { type: 'bearer' };
  deployIntegrations(
    platform,
    Object.entries(integrations).map(([id, entry]) => ({ id, auth, ...entry })),
  );
});
afterAll(() => repeating?.close());

/** A completion in which everything that a learner or an LMS may write is marked. */
function markedCompletion(eventId: string, integrationId: string, userId: number | string) {
  const { payload, ...event } = completion(eventId, integrationId, userId);
  return {
    ...event,
    payload: {
      ...payload,
      user: { id: userId, email: `${marked('email')}@example.com`, username: marked('username') },
      course: { ...payload.course, course_name: marked('course') },
      completion: { ...payload.completion, letter_grade: marked('grade') },
      enterprise: { enterprise_customer_uuid: ENTERPRISE, enterprise_customer_name: marked('enterprise') },
      [marked('field')]: marked('value'),
    },
  };
}

/** A lead in which all personal data is marked. */
function markedLead(eventId: string, integrationId: string, leadType: string, fields: object = {}) {
  const { payload, ...event } = lead(eventId, integrationId, LEARNER.known, leadType, new Date().toISOString());
  const person = { first_name: marked('first-name'), username: marked('telegram-name'), phone: marked('phone') };
  return JSON.stringify({
    ...event,
    payload: { ...payload, ...person, [marked('field')]: marked('value'), ...fields },
  });
}

/** Everything that functions wrote: their logs, the metrics in them, and what they threw. */
function written(): string[] {
  return session()
    .platform.functions.all()
    .flatMap((pool) => pool.logs().map(({ text }) => text));
}

test('no log line has data of a learner, text of a partner or a secret, whatever the outcome', async () => {
  const { platform, warehouse, publish } = session();
  const event = (id: string, integrationId: string, userId: number | string = LEARNER.known) =>
    JSON.stringify(markedCompletion(id, integrationId, userId));
  await publish([
    event('enriched', 'taking'),
    JSON.stringify({ ...markedCompletion('without-data', 'taking', LEARNER.unknown), traceparent: marked('trace') }),
    event('by-name', 'taking', marked('user-id')),
    event('refused', 'refusing'),
    event('busy', 'busy'),
    event('unreachable', 'unreachable'),
    event('for-unknown', 'unknown'),
    `{"email": "${marked('not-json')}`,
    JSON.stringify({ ...markedCompletion('strange', 'taking', 1), event_type: marked('type') }),
    JSON.stringify({ ...markedCompletion('early', 'taking', 1), occurred_at: marked('time') }),
    markedLead('hot', 'refusing', 'hot'),
    markedLead('odd', 'taking', 'hot', { user_id: marked('id'), timestamp: marked('time'), priority: marked('high') }),
    markedLead('odder', 'taking', marked('lead-type')),
    markedLead('calculated', 'taking', 'calculated'),
  ]);
  // Once it waits, another takes its place.
  await until(session(), () => platform.stateMachine.executionsNamed(webhookId('taking', 'calculated'))[0]);
  await publish([markedLead('cold', 'taking', 'cold')]);
  await awaitQuiet(session());
  expect(linesOf(session(), 'timer.cancelled', 'taking', 'calculated')).toHaveLength(1);
  const { deliveryDeadLetters, eventDeadLetters } = await session().evidence([]);
  expect([deliveryDeadLetters.length, eventDeadLetters.length]).toEqual([4, 6]);

  // A warehouse that refuses, and one whose key does not fit: their errors hold user, account and key.
  warehouse.setMode('refuse');
  await publish([JSON.stringify({ ...markedCompletion('waiting', 'taking', LEARNER.idle), traceparent })]);
  await until(session(), () => platform.stateMachine.executionsNamed(webhookId('taking', 'waiting'))[0]);
  platform.secrets.put(
    output(platform, 'SnowflakeSecretName'),
    JSON.stringify({ account: marked('account'), user: marked('user'), private_key: marked('key') }),
  );
  await until(session(), () => linesOf(session(), 'delivery.attempted', 'taking', 'waiting')[0]);

  expect(await logged(session(), 'event.trace_ignored')).toHaveLength(1);
  const lines = written();
  expect(lines.length).toBeGreaterThan(30);
  expect(lines.filter((line) => line.includes(MARK))).toEqual([]);
});

test('a webhook can be followed by its id: batch, workflow and attempt log it', async () => {
  const id = webhookId('taking', 'waiting');
  const batches = await logged(session(), 'events.enriched');
  expect(batches.filter(({ webhook_ids }) => (webhook_ids as string[]).includes(id))).toHaveLength(1);
  expect((await logged(session(), 'warehouse.failed')).some(({ webhook_id }) => webhook_id === id)).toBe(true);
  expect(linesOf(session(), 'delivery.attempted', 'taking', 'waiting')).toMatchObject([
    { level: 'ERROR', trace_id: traceparent.slice(3, 35) },
  ]);
  expect(receiptsOf(session(), 'taking', 'waiting')).toMatchObject([{ headers: { traceparent } }]);
});
