import type { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { beforeEach, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import type { Context } from '../../../commands/shared/context.ts';
import { type ReconcileReport, reconcileInputSchema } from '../../../lambdas/ledger/reconciliation.ts';
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
  resent: 0,
  failed: 0,
  is_dry_run: false,
  is_complete: true,
};

const HIDDEN = {
  webhook_id: 'wh_0123456789abcdef0123456789abcdef01234567',
  integration_id: 'acme',
  state: 'accepted',
  since: '2026-01-15T11:00:00.000Z',
  why: 'it was never claimed',
  action: 'resent',
} as const;

const UNBALANCED: ReconcileReport = {
  ...BALANCED,
  states: { ...BALANCED.states, delivered: 9_989 },
  unbalanced: 1,
  is_balanced: false,
  stuck: [HIDDEN],
  resent: 1,
};

const world = eachTest(() => startOperatorWorld({ outputs: { ReconcileFunctionName: 'reconcile-1' } }));
let context: Context;
/** What the function sends back, or the client's error. */
let response: { readonly body: unknown; readonly FunctionError?: string } | Error;
let invoked: { readonly name: string | undefined; readonly input: unknown; readonly timeoutMs: number }[];

beforeEach(() => {
  world.deploy({ integrations: [{ id: 'acme', url: 'https://acme.example' }] });
  invoked = [];
  report(BALANCED);
  const send = async ({ input }: InvokeCommand, { requestTimeout: timeoutMs }: { requestTimeout: number }) => {
    const { FunctionName: name, Payload } = input;
    invoked.push({ name, input: JSON.parse(new TextDecoder().decode(Payload as Uint8Array)), timeoutMs });
    if (response instanceof Error) throw response;
    const { body, ...rest } = response;
    return { ...rest, Payload: new TextEncoder().encode(JSON.stringify(body)) };
  };
  context = {
    ...world.context,
    openStage: async (name) => ({
      ...(await world.context.openStage(name)),
      lambda: { send } as unknown as LambdaClient,
    }),
  };
});

function report(content: Partial<ReconcileReport>) {
  response = { body: { ...BALANCED, ...content } };
}

const run = (...words: readonly string[]) => runProgram(['reconcile', ...words], context);

test('balanced: 0, and the equation', async () => {
  expect(await run()).toBe(0);
  // As long as a Lambda function may run, 15 minutes, and not the client's own timeout.
  expect(invoked).toEqual([{ name: 'reconcile-1', input: { dry_run: false }, timeoutMs: 960_000 }]);
  expect(world.printed()).toMatchInlineSnapshot(`
"reconciling: with many deliveries this takes minutes
accepted 10,000 = delivered 9,990 + scheduled 2 + parked 3 + dead 5 + filtered 0 + cancelled 0 + in flight 0
accepted from 2026-01-12 00:00 to 2026-01-15 12:00 UTC, for 3 integrations of stage local

Balanced: every accepted delivery is accounted for."
`);
});

test('not balanced: 1, every delivery by name with its reason and what was done, and what to do next', async () => {
  report({ ...UNBALANCED, released: 12, ended: 1 });
  expect(await run()).toBe(1);
  expect(world.printed()).toMatchInlineSnapshot(`
"reconciling: with many deliveries this takes minutes
accepted 10,000 = delivered 9,989 + scheduled 2 + parked 3 + dead 5 + filtered 0 + cancelled 0 + in flight 0 + not balanced 1
accepted from 2026-01-12 00:00 to 2026-01-15 12:00 UTC, for 3 integrations of stage local

delivery                                     integration  state     since                 why                   done
wh_0123456789abcdef0123456789abcdef01234567  acme         accepted  2026-01-15T11:00:00Z  it was never claimed  resent

1 stuck: resent
12 parked: released, since their integration takes webhooks again
1 parked for over 72 hours: ended as dead
Not balanced. Next:
  ./ltw ledger show wh_0123456789abcdef0123456789abcdef01234567 --stage local   shows its history
  ./ltw reconcile --stage local   again in a few minutes shows whether they arrived"
`);
});

test('a dry run says what would be done; a report names at most 1,000', async () => {
  report({ ...UNBALANCED, is_dry_run: true, released: 12, stuck: [{ ...HIDDEN, action: 'would_resend' }] });
  expect(await run('--dry-run')).toBe(1);
  expect(world.printed()).toContain('nothing: a dry run; would be resent');
  expect(world.printed()).toContain('12 parked: would be released');
  expect(world.printed()).toContain('without --dry-run');
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
  const [{ input } = {}] = invoked;
  expect(input).toEqual({ days: 7, in_flight_bound_seconds: 0, integration_id: 'acme', dry_run: true });
  expect(reconcileInputSchema.parse(input)).toMatchObject(input as object);
});

test('--json: the report and nothing else', async () => {
  report(UNBALANCED);
  expect(await run('--json')).toBe(1);
  expect(JSON.parse(world.printed())).toEqual(UNBALANCED);
});

test('an integration of which nothing was accepted is balanced; an unknown one is an error', async () => {
  report({ accepted: 0, states: { ...BALANCED.states, delivered: 0, scheduled: 0, parked: 0, dead: 0 } });
  expect(await run('--integration', 'acme')).toBe(0);
  await expect(run('--integration', 'acne')).rejects.toThrow('no integration has the id acne: there are acme');
});

const named = (name: string) => Object.assign(new Error(), { name });

test.each([
  [
    { FunctionError: 'Unhandled', body: { errorType: 'LedgerUnavailable', errorMessage: 'no response' } },
    'failed (LedgerUnavailable: no response): its log says more, in CloudWatch',
  ],
  [{ body: { ...BALANCED, accepted: 'many' } }, 'returned something that this version cannot read'],
  [named('TooManyRequestsException'), 'is running already, by its schedule: try again in a few minutes'],
  [named('TimeoutError'), 'has not responded: its log in CloudWatch says what it did'],
])('what the function sends back is %j', async (received, words) => {
  response = received;
  await expect(run()).rejects.toMatchObject({ name: 'CommandFailed', message: `the function Reconcile ${words}` });
});
