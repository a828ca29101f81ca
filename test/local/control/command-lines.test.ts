import { expect, test } from '@jest/globals';
import { UsageError } from '../../../local/command-line.ts';
import { parseCommand } from '../../../local/control/commands.ts';
import { readStartOptions } from '../../../local/control/start-options.ts';

test.each([
  ['flag on', { what: 'flag', isOn: true }],
  ['warehouse hang', { what: 'warehouse', mode: 'hang' }],
  ['partner skillsoft down', { what: 'partner', id: 'skillsoft', behaviour: 'down' }],
  ['partner skillsoft 429', { what: 'partner', id: 'skillsoft', behaviour: 429 }],
  ['partner skillsoft new-secret', { what: 'new-secret', id: 'skillsoft' }],
  ['cache down', { what: 'cache' }],
  ['appconfig down', { what: 'appconfig', isDown: true }],
  ['alarm fallbacks on', { what: 'alarm', name: 'fallbacks', isInAlarm: true }],
  ['skip 90s', { what: 'skip', durationMs: 90_000 }],
  ['skip 2h', { what: 'skip', durationMs: 7_200_000 }],
  ['skip 90d', { what: 'skip', durationMs: 90 * 86_400_000 }],
  ['mails', { what: 'mails' }],
  ['confirm someone@partner.example', { what: 'confirm', address: 'someone@partner.example' }],
  ['status', { what: 'status' }],
])('%s', (words, command) => {
  expect(parseCommand(words.split(' '))).toEqual(command);
});

test.each([
  '',
  'flag up',
  'warehouse 503',
  'partner skillsoft',
  'partner skillsoft 600',
  'partner skillsoft up down',
  'cache up',
  'alarm fallbacks now',
  'skip 2',
  'skip -2h',
  'skip 2w',
  'skip 91d',
  'mails all',
  'confirm',
  'toString',
])('"%s" is no command', (words) => {
  expect(parseCommand(words.split(' '))).toBeUndefined();
});

test('npm start: the usual port where it is free', () => {
  expect(readStartOptions([])).toMatchObject({ port: undefined, assemblyDirectory: undefined });
  expect(readStartOptions(['--port', '0'])).toMatchObject({ port: 0 });
});

test.each([
  [['--port', '65536'], '--port takes a number from 0 to 65535'],
  [['--port', '80.5'], '--port takes a whole number'],
  [['--warehouse'], "Unknown option '--warehouse'"],
])('npm start with %p is not understood', (args, message) => {
  expect(() => readStartOptions(args)).toThrow(UsageError);
  expect(() => readStartOptions(args)).toThrow(message);
});
