import type { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
import { beforeEach, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import type { Context } from '../../../commands/shared/context.ts';
import { WARM_RESULTS, type WarmReport } from '../../../lambdas/warming/warm-report.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const COMPLETE: WarmReport = {
  result: 'complete',
  reason: 'table_changed',
  enterprises: 12,
  read_through: 1,
  table_changed_at: '2026-01-15T03:10:00.000Z',
  rows: 250_000,
  confirmed: 250_000,
  unreadable: 2,
  last_complete: {
    completed_at: '2026-01-15T03:47:00.000Z',
    table_changed_at: '2026-01-15T03:10:00.000Z',
    entries: 249_998,
  },
};

const world = eachTest(() => startOperatorWorld({ outputs: { WarmCacheFunctionName: 'warm-cache-1' } }));
let context: Context;
/** What the function sends back, or the client's error. */
let response: Partial<WarmReport> | Error;
let invoked: { readonly name: string | undefined; readonly input: unknown; readonly timeoutMs: number }[];

beforeEach(() => {
  invoked = [];
  response = {};
  const send = async ({ input }: InvokeCommand, { requestTimeout: timeoutMs }: { requestTimeout: number }) => {
    const { FunctionName: name, Payload } = input;
    invoked.push({ name, input: JSON.parse(new TextDecoder().decode(Payload as Uint8Array)), timeoutMs });
    if (response instanceof Error) throw response;
    return { Payload: new TextEncoder().encode(JSON.stringify({ ...COMPLETE, ...response })) };
  };
  context = {
    ...world.context,
    openStage: async (name) => ({
      ...(await world.context.openStage(name)),
      lambda: { send } as unknown as LambdaClient,
    }),
  };
});

const run = (...words: readonly string[]) => runProgram(['warm-cache', ...words], context);

test('complete: 0, with the rows, the unreadable ones and the last complete run', async () => {
  expect(await run()).toBe(0);
  // As long as a Lambda function may run, 15 minutes, and not the client's own timeout.
  expect(invoked).toEqual([{ name: 'warm-cache-1', input: {}, timeoutMs: 960_000 }]);
  expect(world.printed()).toMatchInlineSnapshot(`
"warming: a million rows take minutes
complete: every row is in the cache (stage local)

enterprises        12
read through       1 whose learners are not known
table changed      2026-01-15T03:10:00Z
reason             table changed
rows               250,000 of 250,000, 2 unreadable
last complete run  2026-01-15T03:47:00Z: 249,998 entries of the table of 2026-01-15T03:10:00Z"
`);
});

test('shrunk: 1, and how to accept it', async () => {
  response = { result: 'shrunk', confirmed: 0, rows: 100 };
  expect(await run()).toBe(1);
  expect(world.printed()).toContain('If the table is right: ./ltw warm-cache --accept-shrunk --stage local');
  response = {};
  expect(await run('--accept-shrunk')).toBe(0);
  expect(invoked.at(-1)?.input).toEqual({ accept_shrunk: true });
});

test('a dry run prints what would be done', async () => {
  response = { result: 'due', reason: 'no_marker', rows: null, confirmed: 0, unreadable: 0, last_complete: null };
  expect(await run('--dry-run')).toBe(0);
  expect(invoked.at(-1)?.input).toEqual({ dry_run: true });
  expect(world.printed()).toMatchInlineSnapshot(`
"a run would load the cache now (stage local)

enterprises        12
read through       1 whose learners are not known
table changed      2026-01-15T03:10:00Z
reason             no marker
last complete run  none"
`);
});

test('every other result has a sentence; out of time is 1', async () => {
  for (const result of WARM_RESULTS) {
    response = { result };
    expect([result, await run()]).toEqual([result, ['out_of_time', 'shrunk'].includes(result) ? 1 : 0]);
  }
});

test('--json prints the report alone', async () => {
  await run('--json');
  expect(JSON.parse(world.printed())).toEqual(COMPLETE);
});

test('a run of the schedule in progress is said as such', async () => {
  response = Object.assign(new Error('Rate Exceeded.'), { name: 'TooManyRequestsException' });
  await expect(run()).rejects.toThrow('the function WarmCache is running already, by its schedule');
});
