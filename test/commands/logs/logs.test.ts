import { beforeEach, expect, test } from '@jest/globals';
import { runProgram } from '../../../commands/main.ts';
import { LOGS_TARGET, logsApi } from '../../../local/cloudwatch/logs.ts';
import type { LogLine } from '../../../local/lambda/function-process.ts';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { startOperatorWorld } from '../operator-world.ts';

const world = eachTest(startOperatorWorld);
let lines: LogLine[];

beforeEach(() => {
  lines = [];
  const groups = () => [
    { name: 'LearningTimeWebhooks-local-EnrichmentEnrichTaskLogs1', lines: [] },
    { name: 'LearningTimeWebhooks-local-EnrichmentEnrichBatchLogs2', lines },
  ];
  world.plane.registerTarget(LOGS_TARGET, logsApi(groups));
});

const run = (...words: readonly string[]) => runProgram(['logs', ...words], world.context);

function log(agoMs: number, text: string): void {
  lines.push({ at: NOW - agoMs, processId: 7, stream: 'stdout', text });
}

test('what a function logged in the last 15 minutes, oldest first, without metrics', async () => {
  log(16 * 60_000, 'too old');
  log(1_000, 'second');
  log(2_000, 'first');
  log(1_000, '{"_aws":{"CloudWatchMetrics":[]}}');
  expect(await run('EnrichBatch')).toBe(0);
  expect(world.printed()).toBe('2026-01-15T11:59:58Z  first\n2026-01-15T11:59:59Z  second');
});

test('--since; as JSON', async () => {
  log(16 * 60_000, 'old');
  await run('EnrichBatch', '--since', '20m', '--json');
  expect(JSON.parse(world.printed())).toEqual({
    stage: 'local',
    function: 'EnrichBatch',
    since: '2026-01-15T11:40:00.000Z',
    events: [{ at: '2026-01-15T11:44:00.000Z', log_stream: 'local/7', message: 'old' }],
  });
});

test('nothing: says so', async () => {
  expect(await run('EnrichTask')).toBe(0);
  expect(world.printed()).toBe('the function EnrichTask of stage local logged nothing since 2026-01-15T11:45:00Z');
});

test('--follow prints each line once, late ones too, until Ctrl-C', async () => {
  log(1_000, 'before');
  const later = [
    () => log(500, 'late'),
    () => log(-2_000, 'new'),
    () => log(-2_000, 'new'),
    () => void process.emit('SIGINT'),
  ];
  world.onSleep = () => later.shift()?.();
  expect(await run('EnrichBatch', '--follow')).toBe(0);
  expect(world.printed().match(/\w+$/gm)).toEqual(['before', 'late', 'new', 'new']);
  expect(process.listenerCount('SIGINT')).toBe(0);
});

test('a function without a log group, as in a stack that is older', async () => {
  await expect(run('Reconcile')).rejects.toMatchObject({
    name: 'CommandFailed',
    message: 'stage local has no log group of the function Reconcile: is it deployed?',
  });
});

test('a name that no function has: which there are', async () => {
  await expect(run('Enrich')).rejects.toThrow(/Allowed choices are EnrichBatch, /);
});
