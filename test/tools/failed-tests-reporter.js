import { appendFileSync } from 'node:fs';

/**
 * Appends each failed test to the file that FAILED_TESTS_FILE names, as soon as its test file has run: with `--bail` or
 * after a timeout jest writes no report of its own.
 */
export default class FailedTestsReporter {
  onTestResult({ path }, { testResults, testExecError, failureMessage }) {
    const names = testResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName);
    if (names.length === 0 && (testExecError || failureMessage)) names.push('the file does not run');
    for (const name of names) appendFileSync(process.env.FAILED_TESTS_FILE, `${JSON.stringify({ path, name })}\n`);
  }
}
