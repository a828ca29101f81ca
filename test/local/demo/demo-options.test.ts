import { expect, test } from '@jest/globals';
import { UsageError } from '../../../local/command-line.ts';
import { demoHelp, readDemoOptions } from '../../../local/demo/demo-options.ts';

test('without options: the scenarios, nothing kept', () => {
  expect(readDemoOptions([])).toEqual({
    isHelp: false,
    receiptsFile: undefined,
    eventsFile: undefined,
  });
});

test('own events, with receipts', () => {
  expect(readDemoOptions(['--events', 'e.json', '--receipts', 'r'])).toMatchObject({
    receiptsFile: 'r',
    eventsFile: 'e.json',
  });
});

test.each([
  [['--evnts', 'e'], "Unknown option '--evnts'"],
  [['events.json'], "Unexpected argument 'events.json'"],
  [['--events'], "Option '--events <value>' argument missing"],
])('%p is not understood', (args, message) => {
  expect(() => readDemoOptions(args)).toThrow(UsageError);
  expect(() => readDemoOptions(args)).toThrow(message);
});

test('the help names every integration and what the warehouse knows of each learner', () => {
  const help = demoHelp();
  for (const line of [
    /skillsoft +responds 200/,
    /partner-flaky +responds 503, then 200/,
    /partner-hanging +responds never/,
    /n8n-inactive +responds 404/,
    /partner-moved +responds 302 \(location: \/skillsoft\)/,
  ]) {
    expect(help).toMatch(line);
  }
  expect(help).toMatch(/partner-inactive +is not active/);
  expect(help).toMatch(/12345 +18540 s/);
  expect(help).toMatch(/20001 +0 s/);
  expect(help).toMatch(/20002 +nothing/);
});
