import TestSequencer from '@jest/test-sequencer';

/** Tests that start platforms, among them that of the guides for developers. */
const LONG = /\/test\/(e2e\/|docs\/adding-)/;

/**
 * Starts the tests that start platforms first. Jest orders files that it has not run before by their size; the demo's test is
 * short and takes the longest, so that one core would wait for it at the end.
 */
export default class EndToEndFirst extends TestSequencer {
  /** @param {Parameters<TestSequencer['sort']>[0]} tests */
  sort(tests) {
    const sorted = [...super.sort(tests)];
    const isLong = ({ path }) => LONG.test(path);
    return [...sorted.filter(isLong), ...sorted.filter((test) => !isLong(test))];
  }
}
