import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { mayGoOn } from '../../../commands/shared/confirm.ts';
import { createTerminal } from '../../../commands/shared/terminal.ts';

/** A terminal, whether it hands keys such as Ctrl-C to the program, and what it shows. */
function scripted() {
  const keys = { isRaw: false };
  const setRawMode = (isRaw: boolean) => {
    keys.isRaw = isRaw;
    return input;
  };
  const input: PassThrough = Object.assign(new PassThrough(), { isTTY: true, setRawMode, unref: () => input });
  const output = new PassThrough();
  const terminal = createTerminal(input as never, output, new PassThrough());
  const ask = (isSaid = false) => mayGoOn('Go on?', isSaid, { terminal } as never);
  return { input, keys, ask, printed: () => String(output.read() ?? '') };
}

test.each(['y', 'Y', 'yes', ' YES '])('%j goes on, and Ctrl-C is the process’s again', async (answer) => {
  const { input, keys, ask, printed } = scripted();
  const asked = ask();
  expect(keys.isRaw).toBe(true);
  input.write(`${answer}\r`);
  expect(await asked).toBe(true);
  expect({ isRaw: keys.isRaw, printed: printed() }).toEqual({ isRaw: false, printed: '' });
});

test.each(['', 'n', 'no', 'yeah', 'y y'])('%j does not', async (answer) => {
  const { input, ask, printed } = scripted();
  const asked = ask();
  input.write(`${answer}\r`);
  expect(await asked).toBe(false);
  expect(printed()).toBe('nothing is changed\n');
});

test('Ctrl-C, and an input that has ended, do not: what would answer beforehand is told', async () => {
  const { input, ask, printed } = scripted();
  const asked = ask();
  input.write('\u0003');
  expect(await asked).toBe(false);
  expect(printed()).toBe('nothing is changed: --yes answers beforehand\n');
});

test('said beforehand: nothing is asked', async () => {
  const { keys, ask } = scripted();
  expect(await ask(true)).toBe(true);
  expect(keys.isRaw).toBe(false);
});
