import { writeFileSync } from 'node:fs';

/**
 * Lists every skipped test, then prints the result in one line: `N passed, N failed, N skipped`. The line goes to
 * the file that TEST_COUNTS_FILE names, if it is set, for a later report.
 */
export default class CountReporter {
  onRunComplete(_contexts, results) {
    // A file that does not load has no tests that could fail.
    const failed = results.numFailedTests + results.numRuntimeErrorTestSuites;
    const skipped = results.numPendingTests + results.numTodoTests;
    const line = `${results.numPassedTests} passed, ${failed} failed, ${skipped} skipped\n`;
    for (const { testResults } of results.testResults) {
      for (const { status, fullName } of testResults) {
        if (status === 'pending' || status === 'todo') process.stdout.write(`skipped: ${fullName}\n`);
      }
    }
    const file = process.env.TEST_COUNTS_FILE;
    if (file) writeFileSync(file, line);
    else process.stdout.write(line);
  }
}
