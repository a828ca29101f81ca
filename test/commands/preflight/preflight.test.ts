import { describe, expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { MARK, SIGNING_SECRET, SNOWFLAKE_SECRET, startPreflightWorld } from './preflight-world.ts';

const stage = eachTest(startPreflightWorld);

const countOf = (count: string) => () => ({ Attributes: { ApproximateNumberOfMessages: count } });

test('a stage that is ready: a yes in every line, 0, and nothing was sent or changed', async () => {
  const versions = stage.world.versions();
  expect(await stage.run()).toBe(0);
  expect(stage.world.printed()).toBe(`\
preflight of stage local, 2026-01-15 12:00 UTC
yes  secret of Snowflake             filled and well-formed, 0 days old
yes  integrations                    1 in version 2, all entries fit
yes  secrets of integrations         whole: 1 of 1
yes  endpoints, from here            up: 1 of 1
yes  contacts                        no integration has any
yes  egress addresses                none of its own: requests leave from this machine
yes  alarm subscriptions             confirmed: email on-call@example.com
yes  alarm notifications             CloudWatch may publish to the topic
yes  readers of the queues           events: 5 at once; deliveries: 10 at once; outcomes: 2 at once
yes  concurrency of Lambda           50 of the account’s 1000 are unreserved, 19 are needed (15 for readers, 4 besides)
yes  flag                            version 1 fits; it is off
yes  dead letters of events          none
yes  dead letters of deliveries      none
yes  dead letters of outcomes        none
yes  dead letters of rescue          none
yes  dead letters of reconciler      none
yes  dead letters of warm cache      none
yes  dead letters of credential age  none
yes  dead letters of mails           none
yes  dead letters of certificates    none
stage local is ready for its first event`);
  expect(stage.partner.connections).toHaveLength(1);
  expect(stage.partner.received).toEqual([]);
  expect(stage.world.tested).toEqual([]);
  expect(stage.world.versions()).toBe(versions);
});

test('a signing secret that ends is named, and is no fault', async () => {
  const ending = { secret: `whsec_${Buffer.alloc(24, 3).toString('base64')}`, not_after: '2026-01-16T12:00:00Z' };
  stage.world.putSecret('acme', { signing_secrets: [SIGNING_SECRET, ending] });
  expect(await stage.run()).toBe(0);
  expect(stage.world.printed()).toContain(`
yes  secrets of integrations         whole: 1 of 1
yes  secret of acme                  a signing secret ends at 2026-01-16T12:00:00Z
`);
});

test('a stage that was just deployed: what to do first, each with a command; --json has the same', async () => {
  stage.world.plane.secretsManager.remove('/local/snowflake');
  stage.world.deploy({ integrations: [] });
  stage.responses.GetQueueAttributes = ({ QueueUrl = '' }) => countOf(QueueUrl.includes('events') ? '2' : '0')();
  expect(await stage.run()).toBe(1);
  const local = 'AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_DEFAULT_REGION=us-east-1 aws';
  const there = `--endpoint-url ${stage.world.plane.endpoint}`;
  expect(stage.world.printed()).toContain(`
no   secret of Snowflake             has no value yet
     ${local} secretsmanager put-secret-value --secret-id /local/snowflake --secret-string file://snowflake-secret.json ${there}   # docs/how-to/connect-snowflake.md, step 5, writes the file
no   integrations                    there are none yet
     ./ltw integration add --id ID --url URL --stage local
yes  contacts                        no integration has any
yes  egress addresses `);
  expect(stage.lines('stage')).toEqual(['stage local is not ready yet (3 × no)']);
  expect(await stage.run('--json')).toBe(1);
  const { findings, ...rest } = JSON.parse(stage.lines('{').join());
  expect(rest).toEqual({ stage: 'local', at: '2026-01-15T12:00:00.000Z', is_ready: false });
  expect(findings).toHaveLength(18);
  expect(findings).toContainEqual({
    check: 'dead letters of events',
    verdict: 'no',
    finding: '2 messages',
    remedy: './ltw rejected list --stage local   # docs/runbook.md#dead-events',
  });
});

describe('what cannot be checked', () => {
  test.each([
    ['GetAccountSettings', 'concurrency of Lambda'],
    ['ListEventSourceMappings', 'readers of the queues'],
    ['GetFunctionConfiguration', 'endpoints, from here'],
    ['ListSubscriptionsByTopic', 'alarm subscriptions'],
    ['GetTopicAttributes', 'alarm notifications'],
  ])('%s is denied: a question mark and why, the other checks go on, 1', async (call, what) => {
    stage.deny(call);
    expect(await stage.run()).toBe(1);
    const [line] = stage.lines('?');
    expect(line).toBe(`${`?    ${what}`.padEnd(37)}AWS denies the call: you may not ${call}`);
    expect(stage.lines('no')).toEqual([]);
    expect(stage.lines('dead letters')).toEqual([]);
    expect(stage.lines('stage')).toEqual([`stage local is not ready yet (${stage.lines('?').length} × not known)`]);
  });

  test('integrations: reported once, and the checks that need them are not known', async () => {
    stage.world.deploy('no document');
    expect(await stage.run()).toBe(1);
    expect(stage.lines('no')).toEqual([
      'no   integrations                    the integrations document is not a JSON object',
    ]);
    const why = 'the integrations could not be read: see above';
    expect(stage.lines('?')).toEqual([
      `?    secrets of integrations         ${why}`,
      `?    endpoints, from here            ${why}`,
    ]);
  });

  test('a service that fails', async () => {
    stage.world.plane.secretsManager.setDown(true);
    expect(await stage.run()).toBe(1);
    expect(stage.lines('?').map((line) => line.slice(5, 33).trim())).toEqual(['secret of Snowflake', 'secret of acme']);
    expect(stage.lines('yes')).toHaveLength(18);
  });

  test('an output that an older stack does not have', async () => {
    const old = await startPreflightWorld(['AlarmTopicArn', 'RescueDeadLetterQueueUrl']);
    expect(await old.run()).toBe(1);
    const missing = (what: string, output: string) =>
      `?    ${what.padEnd(32)}the stack of stage local has no output ${output}: start the platform again`;
    expect(old.lines('?')).toEqual([
      missing('alarm subscriptions', 'AlarmTopicArn'),
      missing('alarm notifications', 'AlarmTopicArn'),
      missing('dead letters of rescue', 'RescueDeadLetterQueueUrl'),
    ]);
    expect(old.lines('     ')).toEqual(Array(3).fill('     npm start   # after you stop the running platform'));
    await old.close();
  });
});

test('an endpoint that the stage’s rules forbid receives no connection from here either', async () => {
  const Variables = { ALLOW_PLAIN_HTTP: 'true', ALLOWED_CIDRS: '', ALLOWED_PORTS: 'any' };
  stage.responses.GetFunctionConfiguration = () => ({ Environment: { Variables } });
  expect(await stage.run()).toBe(1);
  expect(stage.lines('no')).toEqual([
    expect.stringMatching(/endpoint of acme .*127\.0\.0\.1:\d+: FORBIDDEN_ADDRESS, /),
  ]);
  expect(stage.partner.connections).toEqual([]);
});

test('nothing that a secret holds is printed, whatever is wrong with it', async () => {
  const { private_key: key } = SNOWFLAKE_SECRET;
  const texts = [MARK, JSON.stringify(MARK), JSON.stringify({ ...SNOWFLAKE_SECRET, private_key: MARK })];
  for (const text of [...texts, JSON.stringify({ ...SNOWFLAKE_SECRET, user: undefined, access_url: MARK })]) {
    stage.world.plane.secretsManager.put('/local/snowflake', text);
    expect(await stage.run()).toBe(1);
  }
  const fields = [{ signing_secrets: [MARK] }, { signing_secrets: MARK, api_key: MARK }];
  for (const text of [MARK, ...fields.map((each) => JSON.stringify(each))]) {
    stage.world.plane.secretsManager.put('/local/integrations/acme', text);
    expect(await stage.run()).toBe(1);
  }
  expect(stage.lines('no').filter((line) => line.includes('secret of '))).toHaveLength(4 + 3 + 3);
  for (const hidden of [MARK, key.split('\n')[1] ?? '', SIGNING_SECRET]) {
    expect(stage.world.printed()).not.toContain(hidden);
  }
});
