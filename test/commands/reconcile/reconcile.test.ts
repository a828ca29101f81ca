import { text } from 'node:stream/consumers';
import { LambdaClient } from '@aws-sdk/client-lambda';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/program.ts';
import type { Context } from '../../../commands/shared/context.ts';
import { type ReconcileReport, reconcileInputSchema } from '../../../lambdas/ledger/reconciliation.ts';
import { startHttpServer } from '../../../local/http-server.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const BALANCED: ReconcileReport = {
  from: '2026-01-12T00:00:00.000Z',
  until: '2026-01-15T12:00:00.000Z',
  integrations: 3,
  accepted: 10_000,
  states: { delivered: 9_990, scheduled: 2, parked: 3, dead: 5, filtered: 0, cancelled: 0 },
  in_flight: 0,
  unbalanced: 0,
  is_balanced: true,
  stuck: [],
  outcomes_waiting: 0,
  released: 0,
  ended: 0,
  republished: 0,
  failed: 0,
  is_dry_run: false,
  is_complete: true,
};

const HIDDEN = {
  webhook_id: 'wh_0123456789abcdef0123456789abcdef01234567',
  integration_id: 'acme',
  state: 'accepted',
  since: '2026-01-15T11:00:00.000Z',
  why: 'nobody has claimed it',
  action: 'republished',
} as const;

const UNBALANCED: ReconcileReport = {
  ...BALANCED,
  states: { ...BALANCED.states, delivered: 9_989 },
  unbalanced: 1,
  is_balanced: false,
  stuck: [HIDDEN],
  republished: 1,
};

const world = eachTest(startOperatorWorld);
let server: Awaited<ReturnType<typeof startHttpServer>>;
let lambda: LambdaClient;
let context: Context;
let answer: { status: number; headers: Record<string, string>; body: string };
let asked: { readonly path: string | undefined; readonly input: unknown }[];

beforeEach(async () => {
  world.deploy({ integrations: [{ id: 'acme', url: 'https://acme.example' }] });
  asked = [];
  report(BALANCED);
  server = await startHttpServer(async (request, response) => {
    asked.push({ path: request.url, input: JSON.parse(await text(request)) });
    response.writeHead(answer.status, answer.headers).end(answer.body);
  });
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  // As a client that gives up early: what is asked here may take minutes.
  const requestHandler = { requestTimeout: 1, throwOnRequestTimeout: true };
  lambda = new LambdaClient({ endpoint: server.url, region: 'us-east-1', credentials, maxAttempts: 1, requestHandler });
  const openStage: Context['openStage'] = async (name) => {
    const stage = await world.context.openStage(name);
    return { ...stage, lambda, output: (key) => (key === 'ReconcileFunctionName' ? 'reconcile-1' : stage.output(key)) };
  };
  context = { ...world.context, openStage };
});

afterEach(async () => {
  lambda.destroy();
  await server.close();
});

function report(content: Partial<ReconcileReport>) {
  answer = { status: 200, headers: {}, body: JSON.stringify({ ...BALANCED, ...content }) };
}

const run = (...words: readonly string[]) => runProgram(['reconcile', ...words], context);

test('balanced: 0, and the equation', async () => {
  expect(await run()).toBe(0);
  expect(asked).toEqual([{ path: '/2015-03-31/functions/reconcile-1/invocations', input: { dry_run: false } }]);
  expect(world.printed()).toMatchInlineSnapshot(`
"reconciling: with many webhooks this takes minutes
accepted 10,000 = delivered 9,990 + scheduled 2 + parked 3 + dead 5 + filtered 0 + cancelled 0 + in flight 0
accepted from 2026-01-12 00:00 to 2026-01-15 12:00 UTC, for 3 integrations of stage local

Balanced: every accepted webhook is accounted for."
`);
});

test('not balanced: 1, every webhook by name with its reason and what was done, and what to do next', async () => {
  report({ ...UNBALANCED, released: 12, ended: 1 });
  expect(await run()).toBe(1);
  expect(world.printed()).toMatchInlineSnapshot(`
"reconciling: with many webhooks this takes minutes
accepted 10,000 = delivered 9,989 + scheduled 2 + parked 3 + dead 5 + filtered 0 + cancelled 0 + in flight 0 + not balanced 1
accepted from 2026-01-12 00:00 to 2026-01-15 12:00 UTC, for 3 integrations of stage local

webhook                                      integration  state     since                 why                    done
wh_0123456789abcdef0123456789abcdef01234567  acme         accepted  2026-01-15T11:00:00Z  nobody has claimed it  resent

1 stuck: resent
12 parked: released, since their integration takes webhooks again
1 parked for over 72 hours: ended as dead
Not balanced. Next:
  ./ltw ledger show wh_0123456789abcdef0123456789abcdef01234567 --stage local   tells what became of one
  ./ltw reconcile --stage local   again in a few minutes shows whether they arrived"
`);
});

test('a dry run says what would be done', async () => {
  report({ ...UNBALANCED, is_dry_run: true, released: 12, stuck: [{ ...HIDDEN, action: 'would_republish' }] });
  expect(await run('--dry-run')).toBe(1);
  expect(asked).toMatchObject([{ input: { dry_run: true } }]);
  expect(world.printed()).toContain('nothing: a dry run; would be resent');
  expect(world.printed()).toContain('12 parked: would be released');
  expect(world.printed()).toContain('without --dry-run');
});

test('more than a report names: how many more', async () => {
  report({ ...UNBALANCED, unbalanced: 1_501, stuck: Array.from({ length: 1000 }, () => HIDDEN) });
  await run();
  expect(world.printed()).toContain('and 501 more: at most 1,000 are named');
});

test.each([
  ['time ran out', { is_complete: false }, 'Run it again, with fewer --days or one --integration'],
  ['an action failed', { failed: 2 }, '2 actions failed'],
] as const)('%s: 1, though it balances', async (_, content, words) => {
  report(content);
  expect(await run()).toBe(1);
  expect(world.printed()).toContain(words);
});

test('every option reaches the function, as it reads them', async () => {
  await run('--days', '7', '--bound-seconds', '0', '--integration', 'acme', '--dry-run');
  const [{ input } = {}] = asked;
  expect(input).toEqual({ days: 7, in_flight_bound_seconds: 0, integration_id: 'acme', dry_run: true });
  expect(reconcileInputSchema.parse(input)).toEqual(input);
});

test('--json: the report and nothing else', async () => {
  report(UNBALANCED);
  expect(await run('--json')).toBe(1);
  expect(JSON.parse(world.printed())).toEqual(UNBALANCED);
});

describe('an integration of which nothing was accepted', () => {
  const nothing = { accepted: 0, states: { ...BALANCED.states, delivered: 0, scheduled: 0, parked: 0, dead: 0 } };

  test('it is there: balanced; it is unknown: told with those there are', async () => {
    report(nothing);
    expect(await run('--integration', 'acme')).toBe(0);
    await expect(run('--integration', 'acne')).rejects.toThrow('no integration has the id acne: there are acme');
  });
});

describe('in words', () => {
  test.each([
    [
      [200, { 'X-Amz-Function-Error': 'Unhandled' }, { errorType: 'LedgerUnavailable', errorMessage: 'no answer' }],
      'failed (LedgerUnavailable: no answer): its log says more, in CloudWatch',
    ],
    [[200, {}, { ...BALANCED, accepted: 'many' }], 'answers something that this version does not understand'],
    [
      [429, { 'x-amzn-errortype': 'TooManyRequestsException' }, {}],
      'is at work already, by its schedule: try again in a few minutes',
    ],
  ] as const)('the function answers %j', async ([status, headers, body], words) => {
    answer = { status, headers, body: JSON.stringify(body) };
    await expect(run()).rejects.toMatchObject({ name: 'CommandFailed', message: `the function Reconcile ${words}` });
    expect(asked).toHaveLength(1);
  });
});
