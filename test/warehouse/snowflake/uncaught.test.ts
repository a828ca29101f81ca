import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from '@jest/globals';

const module = fileURLToPath(new URL('../../../lambdas/warehouse/snowflake/uncaught.ts', import.meta.url));

/** The output and exit code of a separate process, because an uncaught error ends its process. */
async function run(code: string) {
  const script = `import { captureUncaught } from ${JSON.stringify(module)};
    const start = () => captureUncaught((thrown) => console.log('captured', thrown.message));
    const fail = (text) => () => { throw new Error(text); };
    ${code}`;
  const call = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 });
  const ended = await call.catch((thrown: { stdout: string; stderr: string; code: number }) => thrown);
  return { lines: ended.stdout.trim().split('\n'), stderr: ended.stderr, code: 'code' in ended ? ended.code : 0 };
}

test('errors in ticks, timers and immediates of the work are captured, and the process continues', async () => {
  const { lines, code } = await run(`
    let captured = 0;
    const capture = captureUncaught((thrown) => {
      console.log('captured', thrown.message);
      captured += 1;
      if (captured === 3) setImmediate(() => { capture.stop(); console.log('continues'); });
    });
    capture.run(() => {
      process.nextTick(fail('tick'));
      setImmediate(fail('immediate'));
      Promise.resolve().then(() => setTimeout(fail('timer'), 1));
    });
  `);
  // A timer of a millisecond and an immediate come in any order.
  expect(lines.toSorted()).toEqual(['captured immediate', 'captured tick', 'captured timer', 'continues']);
  expect({ last: lines.at(-1), code }).toEqual({ last: 'continues', code: 0 });
});

test('each capture gets the errors of its own work', async () => {
  const { lines } = await run(`
    for (const name of ['one', 'other']) {
      const capture = captureUncaught((thrown) => { console.log(name, thrown.message); capture.stop(); });
      capture.run(() => setImmediate(fail('of ' + name)));
    }
  `);
  expect(lines).toEqual(['one of one', 'other of other']);
});

test('other errors end the process, or reach its listeners, as without a capture', async () => {
  const others = `start().run(() => {}); setImmediate(fail('not mine'));`;
  const alone = await run(others);
  expect(alone.code).toBe(1);
  expect(alone.stderr).toContain('Error: not mine');
  const listened = await run(
    `process.on('uncaughtException', ({ message }) => console.log('listener', message)); ${others}`,
  );
  expect(listened).toMatchObject({ lines: ['listener not mine'], code: 0 });
});

test('nothing is captured once all have stopped, or if another capture is active', async () => {
  const { lines } = await run(`
    const [one, other] = [start(), start()];
    one.stop();
    one.stop();
    console.log(process.hasUncaughtExceptionCaptureCallback());
    other.stop();
    console.log(process.hasUncaughtExceptionCaptureCallback());
    process.setUncaughtExceptionCaptureCallback(({ message }) => console.log('else', message));
    const late = start();
    late.run(() => setImmediate(fail('mine')));
    setImmediate(() => setImmediate(() => {
      late.stop();
      console.log(process.hasUncaughtExceptionCaptureCallback());
    }));
  `);
  expect(lines).toEqual(['true', 'false', 'else mine', 'true']);
});
