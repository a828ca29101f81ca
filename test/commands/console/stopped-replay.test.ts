import { randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import type { Work } from '../../../commands/console/operation.ts';
import type { CommandProgress } from '../../../commands/console/operations/run-command.ts';
import { stopCommand, stoppableCommand } from '../../../commands/console/operations/stoppable-command.ts';
import { runProgram } from '../../../commands/main.ts';
import { interruptionBy } from '../../../commands/shared/interruption.ts';
import { parseReplay } from '../../../console/dead-letters/replay-output.ts';
import { eachTest } from '../../support/each-test.ts';
import { DEAD } from '../ledger/ledger-operator.ts';
import { startReplayOperator } from '../replay/replay-operator.ts';

const operator = eachTest(startReplayOperator);

/** What the page runs: one delivery a second. */
const WORDS = ['replay', '--state', 'dead', '--rate', '1'];

function workOf(connection = new AbortController()): Work<CommandProgress> {
  const { context } = operator.world;
  return {
    ...{ runProgram, stage: { name: 'local' } as Work['stage'], now: context.now, signal: connection.signal },
    report: async () => {},
    context: { ...context, noteInterruption: () => interruptionBy(connection.signal) },
  };
}

const replay = (run: string, connection?: AbortController) =>
  stoppableCommand.run({ words: WORDS, run }, workOf(connection));

const outcomesOf = (output: string) =>
  Object.fromEntries(
    (parseReplay(output)?.outcomes ?? []).map(({ result, deliveries }) => [result, Number(deliveries)]),
  );

async function deadOf(ids: readonly string[]): Promise<number> {
  return [...(await operator.table.records(ids)).values()].filter(({ state }) => state === 'dead').length;
}

const SIX = Array.from({ length: 6 }, () => DEAD);

describe('a replay of the page', () => {
  test('that is stopped leaves the rest as they were, says so, and goes on with the same command', async () => {
    const ids = await operator.deliveries(SIX);
    const run = randomUUID();
    let waits = 0;
    operator.world.onSleep = () => {
      waits += 1;
      if (waits === 3) void stopCommand.run({ run }, workOf() as never);
    };
    const { exitCode, output } = await replay(run);
    const { replayed = 0, left = 0 } = outcomesOf(output);
    expect({ exitCode, all: replayed + left }).toEqual({ exitCode: 1, all: 6 });
    expect(left).toBeGreaterThan(0);
    expect(await deadOf(ids)).toBe(left);
    expect(await operator.sent()).toHaveLength(replayed);
    const again = await replay(randomUUID());
    expect({ ...outcomesOf(again.output), exitCode: again.exitCode }).toEqual({ replayed: left, exitCode: 0 });
    expect(await deadOf(ids)).toBe(0);
  });

  test('ends in the same way when the page is closed', async () => {
    const ids = await operator.deliveries(SIX);
    const connection = new AbortController();
    operator.world.onSleep = () => connection.abort();
    const { replayed = 0, left = 0 } = outcomesOf((await replay(randomUUID(), connection)).output);
    expect(left).toBeGreaterThan(0);
    expect(await deadOf(ids)).toBe(left);
    expect(await operator.sent()).toHaveLength(replayed);
  });

  test('and another operator’s at the same time send each delivery once', async () => {
    const ids = await operator.deliveries(SIX);
    const both = await Promise.all([replay(randomUUID()), replay(randomUUID())]);
    const replayed = both.map(({ output }) => outcomesOf(output).replayed ?? 0);
    expect(replayed.reduce((sum, count) => sum + count, 0)).toBe(6);
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(await operator.sentIds()).toEqual(ids.toSorted());
  });
});
