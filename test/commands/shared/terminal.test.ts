import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { createTerminal, withoutControl } from '../../../commands/shared/terminal.ts';

function scripted(isTTY: boolean) {
  const input = Object.assign(new PassThrough(), { isTTY, setRawMode: () => input, unref: () => input });
  const output = new PassThrough();
  const questions = new PassThrough();
  const terminal = createTerminal(input as never, output, questions);
  return { input, terminal, printed: () => String(output.read() ?? ''), asked: () => String(questions.read() ?? '') };
}

test('what a terminal would obey is printed as question marks, line breaks stay', () => {
  expect(withoutControl('a\u001b[31mb\r\nc\u009bd\u202ee')).toBe('a?[31mb?\nc?d?e');
  const { terminal, printed } = scripted(false);
  terminal.print('x\u0007y');
  expect(printed()).toBe('x?y\n');
});

test('progress is shown where questions are asked: standard output can be kept in a file', () => {
  const { terminal, printed, asked } = scripted(false);
  terminal.progress.write('1 of 2\n');
  expect({ printed: printed(), asked: asked() }).toEqual({ printed: '', asked: '1 of 2\n' });
});

test('a pipe’s lines are the answers in their order, and its end is none', async () => {
  const { input, terminal, printed } = scripted(false);
  input.end('first\nsecond\n');
  expect(await terminal.ask('1? ')).toBe('first');
  expect(await terminal.askHidden('2? ')).toBe('second');
  expect(await terminal.ask('3? ')).toBeUndefined();
  expect(await terminal.ask('4? ')).toBeUndefined();
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
  expect(shown).toContain('seen');
  expect(shown).toContain('hidden? ');
  expect(shown).not.toContain('s3cret');
  terminal.close();
});

test('Ctrl-C while something is asked is no answer', async () => {
  const { input, terminal } = scripted(true);
  const asked = terminal.askHidden('? ');
  input.write('half\u0003');
  expect(await asked).toBeUndefined();
  terminal.close();
});
