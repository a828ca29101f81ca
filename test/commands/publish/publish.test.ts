import type { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { beforeEach, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import type { Context } from '../../../commands/shared/context.ts';
import { acceptEvent } from '../../../lambdas/enrichment/accept-event.ts';
import type { DeliverySubject } from '../../../lambdas/events/delivery.ts';
import { webhookId } from '../../../lambdas/events/identity.ts';
import { readIntegrations } from '../../../lambdas/partners/integration-registry.ts';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { intercept, startOperatorWorld } from '../operator-world.ts';

const world = eachTest(() => startOperatorWorld({ outputs: { EventsQueueUrl: 'http://sqs/0/events' } }));
let context: Context;
/** The messages of each call. */
let calls: string[][];
/** Positions that SQS does not take, of each call. */
let refused: readonly number[];

const DOCUMENT = {
  integrations: [
    { id: 'off', url: 'https://partner.example', active: false },
    { id: 'leads', url: 'https://partner.example', event_types: ['lead'] },
    { id: 'acme', url: 'https://partner.example', event_types: ['course_completion', 'course_enrollment'] },
    { id: 'globex', url: 'https://partner.example', region: 'EU', enterprise_customer_uuid: 'ent-g' },
  ],
};

beforeEach(() => {
  calls = [];
  refused = [];
  world.deploy(DOCUMENT);
  context = {
    ...world.context,
    async openStage(name) {
      const stage = await world.context.openStage('local');
      intercept(stage.sqs, (command) => {
        const { Entries = [] } = (command as SendMessageBatchCommand).input;
        calls.push(Entries.map(({ MessageBody = '' }) => MessageBody));
        return { Failed: refused.map((at) => ({ Id: Entries[at]?.Id, Code: 'InternalError' })) };
      });
      return { ...stage, name };
    },
  };
});

const run = (...words: readonly string[]) => runProgram(['publish', ...words], context);
const bodies = () => calls.flat();
function acceptedAs(body = ''): Partial<DeliverySubject> {
  const accepted = acceptEvent(body, readIntegrations(JSON.stringify(DOCUMENT), undefined), NOW);
  return accepted.verdict === 'accepted' ? accepted.subject : {};
}
const published = () => JSON.parse(world.printed()).events;

test.each([
  ['completion', 'course_completion', 'acme'],
  ['enrollment', 'course_enrollment', 'acme'],
  ['lead', 'lead', 'leads'],
])(
  '--type %s: one that the pipeline accepts, for the first active subscriber',
  async (type, event_type, integration_id) => {
    expect(await run('--type', type, '--json')).toBe(0);
    const accepted = acceptedAs(bodies()[0]);
    expect(accepted).toMatchObject({ event_type, integration_id, occurred_at: '2026-01-15T12:00:00Z' });
    const { webhook_id, event_id } = accepted;
    expect(published()).toEqual([{ webhook_id, integration_id, event_type, event_id }]);
  },
);

test('--count: ten a call, each another event, and a line for each', async () => {
  expect(await run('--count', '21')).toBe(0);
  expect(calls.map((call) => call.length)).toEqual([10, 10, 1]);
  expect(new Set(bodies()).size).toBe(21);
  const lines = world.printed().split('\n');
  expect(lines[0]).toMatch(/^webhook +integration +type +event$/);
  expect(lines[1]).toMatch(/^wh_[0-9a-f]{40} +acme +course_completion +sample-[0-9a-f]{8}-1$/);
  expect(lines.at(-1)).toBe('published 21 events to stage local');
});

test('--integration: for that one, as its enterprise', async () => {
  await run('--integration', 'globex');
  const expected = { integration_id: 'globex', enterprise_customer_uuid: 'ent-g' };
  expect(acceptedAs(bodies()[0])).toMatchObject(expected);
});

test('an integration that is not there, or none that subscribes: says which there are, publishes nothing', async () => {
  await expect(run('--integration', 'initech')).rejects.toThrow(
    'no integration has the id initech, or its entry does not fit: there are off, leads, acme, globex',
  );
  world.deploy({ integrations: [] });
  await expect(run()).rejects.toThrow('no active integration subscribes to course_completion: there are none');
  expect(calls).toEqual([]);
});

test('--file: its events as they stand, malformed ones too', async () => {
  const file = world.file('events.jsonl', '{"integration_id":"acme","event_id":"e-1","event_type":"lead"}\nnot JSON\n');
  await run('--file', file, '--json');
  expect(bodies()).toEqual(['{"integration_id":"acme","event_id":"e-1","event_type":"lead"}', 'not JSON']);
  expect(published()).toEqual([
    { webhook_id: webhookId('acme', 'e-1'), integration_id: 'acme', event_type: 'lead', event_id: 'e-1' },
    { webhook_id: null, integration_id: null, event_type: null, event_id: null },
  ]);
  const failure = { name: 'CommandFailed', message: expect.stringMatching(/empty.json: it has no events$/) };
  await expect(run('--file', world.file('empty.json', '[]'))).rejects.toMatchObject(failure);
});

test('what SQS does not take: 1, and why', async () => {
  refused = [1];
  expect(await run('--count', '2')).toBe(1);
  expect(world.printed()).toMatch(/\npublished 1 event to stage local\nSQS did not take 1 event: InternalError$/);
});

test('a stage that is not local: only with --yes', async () => {
  await expect(run('--stage', 'prod')).rejects.toMatchObject({
    name: 'CommandFailed',
    message: 'stage prod delivers to partners, so nothing is published: --yes publishes there',
  });
  expect(calls).toEqual([]);
  expect(await run('--stage', 'prod', '--yes')).toBe(0);
  expect(bodies()).toHaveLength(1);
});
