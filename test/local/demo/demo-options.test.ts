import { expect, test } from '@jest/globals';
import { UsageError } from '../../../local/command-line.ts';
import { demoHelp, readDemoOptions } from '../../../local/demo/demo-options.ts';

test('options are read, and unknown ones are refused', () => {
  expect(readDemoOptions([])).toEqual({ isHelp: false, receiptsFile: undefined, eventsFile: undefined });
  expect(readDemoOptions(['--events', 'e.json', '--receipts', 'r'])).toMatchObject({
    receiptsFile: 'r',
    eventsFile: 'e.json',
  });
  expect(() => readDemoOptions(['--evnts', 'e'])).toThrow(UsageError);
  expect(() => readDemoOptions(['events.json'])).toThrow("Unexpected argument 'events.json'");
});

test.each([
  /skillsoft +responds 200/,
  /partner-flaky +responds 503, then 200/,
  /partner-hanging +responds never/,
  /partner-moved +responds 302 \(location: \/skillsoft\)/,
  /partner-inactive +is not active/,
  /12345 +18540 s/,
  /20001 +0 s/,
  /20002 +nothing/,
])('the help has %s', (line) => {
  expect(demoHelp()).toMatch(line);
});
