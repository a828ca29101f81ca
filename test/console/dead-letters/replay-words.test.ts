import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { reasonPattern } from '../../../commands/ledger/reason-pattern.ts';
import { replayWords } from '../../../console/dead-letters/replay-words.ts';

const NOTHING = { integration: '', state: 'dead', like: '', contains: '', since: '', until: '' };

describe('the words of a replay', () => {
  test('name what narrows it down, and nothing else', () => {
    expect(replayWords(NOTHING)).toEqual(['replay', '--state', 'dead']);
    expect(
      replayWords({
        integration: ' acme ',
        state: 'parked',
        like: 'HTTP 410',
        contains: '410',
        since: '7d',
        until: ' ',
      }),
    ).toEqual([
      ...['replay', '--integration', 'acme', '--state', 'parked'],
      ...['--error-like=HTTP 410', '--error=410', '--since', '7d'],
    ]);
  });

  test('have each reason as one word, which is no other option', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.constantFrom('--stage prod', '--yes', '-x', "'; reboot", '=')), (reason) => {
        const like = reasonPattern(reason);
        const words = replayWords({ ...NOTHING, like });
        expect(words.slice(3)).toEqual(like === '' ? [] : [`--error-like=${like}`]);
      }),
    );
  });
});
