import TestSequencer from '@jest/test-sequencer';

/**
 * Starts the end-to-end tests first. Jest orders files that it has not run before by their size; the demo's test is short and
 * takes the longest, so that one core would wait for it at the end.
 */
export default class EndToEndFirst extends TestSequencer {
  /** @param {Parameters<TestSequencer['sort']>[0]} tests */
  sort(tests) {
    const sorted = [...super.sort(tests)];
    const isEndToEnd = ({ path }) => path.includes('/test/e2e/');
    return [...sorted.filter(isEndToEnd), ...sorted.filter((test) => !isEndToEnd(test))];
  }
}
