import { ConfirmSubscriptionCommand } from '@aws-sdk/client-sns';
import { beforeEach, describe, expect, test } from '@jest/globals';
import { contactChanges, type Subscribed } from '../../../commands/integration/contacts.ts';
import { runProgram } from '../../../commands/main.ts';
import { judgeContacts } from '../../../commands/preflight/contacts.ts';
import { registerTopics, Topics } from '../../../local/sns/sns.ts';
import { eachTest } from '../../support/each-test.ts';
import { resolverOf } from '../../support/running-platform.ts';
import { intercept, startOperatorWorld } from '../operator-world.ts';

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:Contacts';
const url = 'https://partner.example/hooks';
const SECRET = { signing_secrets: [`whsec_${Buffer.alloc(32, 1).toString('base64')}`] };
const SENT = (address: string) =>
  `contact ${address}: SNS has sent a mail with a link, which confirms the subscription`;

const world = eachTest(() => startOperatorWorld({ outputs: { ContactTopicArn: TOPIC } }));
let topics: Topics;

beforeEach(() => {
  const Properties = { Topics: [{ Ref: 'Contacts' }], PolicyDocument: { Statement: [] } };
  const resolver = resolverOf({
    Contacts: { Type: 'AWS::SNS::Topic', Properties: {} },
    Policy: { Type: 'AWS::SNS::TopicPolicy', Properties },
  });
  registerTopics(resolver);
  topics = new Topics(resolver);
  world.plane.registerRest(topics.api);
  for (const id of ['acme', 'beta']) world.putSecret(id, SECRET);
});

const run = (...words: readonly string[]) => runProgram(['integration', ...words], world.context);
const deploy = (contacts: Readonly<Record<string, readonly string[]>>) =>
  world.deploy({ integrations: Object.entries(contacts).map(([id, those]) => ({ id, url, contacts: those })) });

/** Opens the link of each mail that asks. */
async function confirmAll() {
  const { sns } = await world.context.openStage('local');
  for (const { kind, text } of topics.mails.splice(0))
    if (kind === 'confirmation') await sns.send(new ConfirmSubscriptionCommand({ TopicArn: TOPIC, Token: text }));
}
/** Who receives a mail about an integration. */
function mailedAbout(integration_id: string): string[] {
  topics.publish(TOPIC, JSON.stringify({ integration_id }));
  return topics.mails.splice(0).map(({ address }) => address);
}

test('add subscribes the contacts of its integration; validate changes, adds and removes those of all', async () => {
  const words = ['--contact', 'Team@acme.example', '--contact', 'both@example.com'];
  expect(await run('add', '--id', 'gamma', '--url', url, ...words)).toBe(0);
  expect(world.deployed()).toMatchObject({ integrations: [{ contacts: ['Team@acme.example', 'both@example.com'] }] });
  expect(world.printed()).toContain(`${SENT('team@acme.example')}\n${SENT('both@example.com')}`);
  await confirmAll();
  expect(mailedAbout('gamma')).toEqual(['team@acme.example', 'both@example.com']);

  deploy({ acme: ['both@example.com'], beta: ['BOTH@example.com', 'new@example.com'] });
  expect(await run('validate')).toBe(0);
  const printed = world.printed();
  expect(printed).toContain(`  ${SENT('new@example.com')}\n  contact team@acme.example: is unsubscribed`);
  await confirmAll();
  expect([mailedAbout('acme'), mailedAbout('gamma')]).toEqual([['both@example.com'], []]);
  expect(mailedAbout('beta')).toEqual(['both@example.com', 'new@example.com']);
});

test('an address that has not confirmed is asked again, with the filter of its integrations by then', async () => {
  deploy({ acme: ['late@example.com'] });
  await run('validate');
  deploy({ beta: ['late@example.com'] });
  await run('validate');
  expect(topics.mails.map(({ kind }) => kind)).toEqual(['confirmation', 'confirmation']);
  topics.mails.splice(0, 1);
  await confirmAll();
  expect([mailedAbout('acme'), mailedAbout('beta')]).toEqual([[], ['late@example.com']]);
});

describe('validate changes no subscription', () => {
  beforeEach(async () => {
    deploy({ acme: ['team@acme.example'] });
    await run('validate');
    await confirmAll();
  });

  test('of an entry that does not fit, whose contacts are not known', async () => {
    world.deploy({ integrations: [{ id: 'acme', url: 'ftp://x', contacts: ['team@acme.example'] }] });
    expect(await run('validate')).toBe(1);
    expect(mailedAbout('acme')).toEqual(['team@acme.example']);
  });

  test('for a document on disk', async () => {
    await run('validate', '--file', world.file('d.json', { integrations: [] }));
    expect(mailedAbout('acme')).toEqual(['team@acme.example']);
  });
});

test('beyond SNS’s quota of filter policies, the address and the remedy are named, and the integration is in place', async () => {
  const contactsFrom = (first: number) => Array.from({ length: 10 }, (_, n) => `a${first + n}@example.com`);
  const full = Array.from({ length: 20 }, (_, n) => [`i${n}`, contactsFrom(10 * n)] as const);
  for (const [id] of full) world.putSecret(id, SECRET);
  deploy(Object.fromEntries(full));
  expect(await run('validate')).toBe(0);
  expect(await run('add', '--id', 'gamma', '--url', url, '--contact', 'one@more.example')).toBe(0);
  expect(world.printed()).toContain(
    'Its contacts are not subscribed: contact one@more.example is not subscribed: SNS takes no more filter policies. Raise its quota "Filter policies per topic"',
  );
  expect(await run('validate', '--json')).toBe(1);
  const { faults } = JSON.parse(world.printed().split('\n').at(-1) ?? '');
  expect(faults).toContainEqual(expect.stringMatching(/^contacts: contact one@more\.example is not subscribed: /));
});

test('a denied call is a fault of validate, and no contacts need no topic', async () => {
  const { context } = world;
  const { openStage } = context;
  context.openStage = async (name) => {
    const stage = await openStage(name);
    intercept(stage.sns, () => {
      throw Object.assign(new Error('you may not'), { name: 'AuthorizationErrorException', $fault: 'client' });
    });
    return { ...stage, output: (name) => (name === 'ContactTopicArn' ? TOPIC : stage.output(name)) };
  };
  deploy({ acme: ['team@acme.example'] });
  expect(await run('validate')).toBe(1);
  expect(world.printed()).toContain('  contacts: AWS denies the call: you may not');
});

const CONFIRMED = { arn: 'arn', integrationIds: ['acme'] };
const one = (address: string, more: Partial<Subscribed> = CONFIRMED) => ({ address, endpoint: address, ...more });

test('a subscription that an operator made by hand, without a filter, stays as it is', () => {
  const nothing = { ask: [], change: [], remove: [], expiring: [] };
  expect(contactChanges(new Map(), [one('hand@example.com', { arn: 'arn' })])).toEqual(nothing);
  const wanted = new Map([['hand@example.com', ['acme']]]);
  expect(contactChanges(wanted, [one('hand@example.com', { arn: 'arn' })])).toEqual(nothing);
});

test('preflight names the contacts that have not confirmed', () => {
  const wanted = new Map(['a@x.example', 'b@x.example'].map((address) => [address, ['acme']]));
  const judge = (...found: Subscribed[]) => judgeContacts(wanted, found, '--stage dev');
  expect(judge(one('a@x.example'), one('b@x.example'))).toMatchObject({ verdict: 'yes', is: 'confirmed: 2 addresses' });
  expect(judge(one('a@x.example'), one('b@x.example', {}))).toMatchObject({
    ...{ verdict: 'no', is: 'not confirmed: b@x.example' },
    remedy: expect.stringMatching(/^\.\/ltw integration validate --stage dev /),
  });
});
