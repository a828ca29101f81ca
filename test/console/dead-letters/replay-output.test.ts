import { describe, expect, test } from '@jest/globals';
import { REPLAY_RESULTS, type ReplayResult } from '../../../commands/replay/replay-deliveries.ts';
import { countRows, formatReplay } from '../../../commands/replay/run-replay.ts';
import { parseDryRun, parseReplay } from '../../../console/dead-letters/replay-output.ts';

const ids = (count: number, digit: string) =>
  Array.from({ length: count }, (_, index) => `wh_${digit.repeat(36)}${String(index).padStart(4, '0')}`);

describe('the output of a dry run', () => {
  test('is read as the CLI prints it', () => {
    const found = [
      ...Array.from({ length: 1200 }, () => ({ integration_id: 'acme', state: 'dead' as const })),
      { integration_id: 'a-much-longer-name', state: 'parked' as const },
    ];
    const output = `${countRows(found)}\n1,201 deliveries of stage local would be replayed: a dry run, nothing is changed`;
    expect(parseDryRun(output)).toEqual({
      rows: [
        { integration: 'a-much-longer-name', state: 'parked', deliveries: '1' },
        { integration: 'acme', state: 'dead', deliveries: '1,200' },
      ],
      toReplay: 1201,
    });
  });

  test('has no counts where none was found', () => {
    expect(parseDryRun('no delivery of stage local fits: nothing to replay')).toBeUndefined();
  });
});

describe('the output of a replay', () => {
  test('is read as the CLI prints it, with every result', () => {
    const entries = REPLAY_RESULTS.map((result, index) => [result, ids(index + 1, String(index))] as const);
    const results = Object.fromEntries(entries) as Record<ReplayResult, string[]>;
    const output = formatReplay({ results, left: 1234 }, 'replayed');
    const report = parseReplay(`integration  state\nacme  dead  1\n${output}\nIt ended early: AWS denies the call: no`);
    expect(report?.failure).toBe('AWS denies the call: no');
    expect(report?.outcomes.map(({ result, deliveries }) => [result, deliveries])).toEqual([
      ...REPLAY_RESULTS.map((result, index) => [result, String(index + 1)]),
      ['left', '1,234'],
    ]);
    expect(report?.outcomes.map(({ examples }) => examples.length)).toEqual([0, 2, 3, 4, 5, 6, 0]);
    expect(report?.outcomes[1]?.examples).toEqual(ids(2, '1'));
  });

  test('has no results where nothing was replayed', () => {
    expect(parseReplay('stopped while it searched: nothing is changed')).toBeUndefined();
  });
});
