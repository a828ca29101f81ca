import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { mayGoOn } from '../../../commands/shared/confirm.ts';
import { createTerminal, withoutControl } from '../../../commands/shared/terminal.ts';

/** A terminal or a pipe, whether it hands keys such as Ctrl-C to the program, and what it shows. */
function scripted(isTTY: boolean) {
  const keys = { isRaw: false };
  const setRawMode = (isRaw: boolean) => {
    keys.isRaw = isRaw;
    return input;
  };
  const input: PassThrough = Object.assign(new PassThrough(), { isTTY, setRawMode, unref: () => input });
  const output = new PassThrough();
  const questions = new PassThrough();
  const terminal = createTerminal(input as never, output, questions);
  const goOn = (isSaid = false) => mayGoOn('Go on?', isSaid, { terminal } as never);
  const textOf = (stream: PassThrough) => () => String(stream.read() ?? '');
  return { input, keys, terminal, goOn, printed: textOf(output), asked: textOf(questions) };
}

test('what a terminal would execute is printed as question marks, line breaks stay', () => {
  expect(withoutControl('a\u001b[31mb\r\nc\u009bd\u202ee')).toBe('a?[31mb?\nc?d?e');
  const { terminal, printed, asked } = scripted(false);
  terminal.print('x\u0007y');
  terminal.progress.write('1 of 2\n');
  expect({ printed: printed(), asked: asked() }).toEqual({ printed: 'x?y\n', asked: '1 of 2\n' });
});

test('the lines of a pipe are the answers in their order; after its end there is none', async () => {
  const { input, terminal, printed } = scripted(false);
  input.end('first\nsecond\n');
  expect(await terminal.ask('1? ')).toBe('first');
  expect(await terminal.askHidden('2? ')).toBe('second');
  for (const question of ['3? ', '4? ']) expect(await terminal.ask(question)).toBeUndefined();
  expect(printed()).toBe('');
  terminal.close();
});

test('on a terminal what is typed is shown, and hidden where it is secret', async () => {
  const { input, terminal, asked } = scripted(true);
  const open = terminal.ask('open? ');
  input.write('seen\r');
  expect(await open).toBe('seen');
  const hidden = terminal.askHidden('hidden? ');
  input.write('s3cret\r');
  expect(await hidden).toBe('s3cret');
  const shown = asked();
  for (const text of ['seen', 'hidden? ']) expect(shown).toContain(text);
  expect(shown).not.toContain('s3cret');
  const interrupted = terminal.askHidden('? ');
  input.write('half\u0003');
  expect(await interrupted).toBeUndefined();
});

test.each([
  ...['y', 'Y', ' YES '].map((answer) => [`${answer}\r`, true, ''] as const),
  ...['', 'no', 'yeah', 'y y'].map((answer) => [`${answer}\r`, false, 'nothing is changed\n'] as const),
  ['\u0003', false, 'nothing is changed: --yes confirms it beforehand\n'] as const,
])('a confirmation by %j goes on: %s; then Ctrl-C ends the process again', async (typed, isYes, text) => {
  const { input, keys, goOn, printed } = scripted(true);
  const asked = goOn();
  expect(keys.isRaw).toBe(true);
  input.write(typed);
  expect(await asked).toBe(isYes);
  expect({ isRaw: keys.isRaw, printed: printed() }).toEqual({ isRaw: false, printed: text });
});

test('a confirmation by an option prints no question', async () => {
  const { keys, goOn } = scripted(true);
  expect(await goOn(true)).toBe(true);
  expect(keys.isRaw).toBe(false);
});
