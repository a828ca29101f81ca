import { describe, test } from '@jest/globals';

/**
 * Tests that need a program which npm does not install. Where it is missing they are skipped, with a line that gives the
 * reason; with `CI=true` they fail, so that CI never passes without them.
 *
 * @param missing why the program cannot be used; undefined where it can
 */
export function describeWithPart(title: string, missing: string | undefined, tests: () => void): void {
  if (missing === undefined) {
    describe(title, tests);
  } else if (process.env.CI === 'true') {
    test(title, () => {
      throw new Error(missing);
    });
  } else {
    test.skip(`${title} (${missing})`, () => {});
  }
}
