import { expect, test } from '@jest/globals';
import * as z from 'zod';
import { operation } from '../../../commands/console/operation.ts';
import { startConsoleServer } from '../../../commands/console/server.ts';
import { eachTest } from '../../support/each-test.ts';
import { startOperatorWorld } from '../operator-world.ts';

const world = eachTest(startOperatorWorld);

test('a command that waits ends when the console ends, and not after its wait', async () => {
  const { promise: waiting, resolve: noteWait } = Promise.withResolvers<void>();
  const server = await startConsoleServer({
    stageName: 'local',
    runProgram: async () => 0,
    context: {
      ...world.context,
      sleep: async (_durationMs, signal) => {
        if (signal === undefined) throw new Error('it would wait to its end');
        const { promise, reject } = Promise.withResolvers<void>();
        signal.addEventListener('abort', () => reject(signal.reason));
        noteWait();
        return promise;
      },
    },
    operations: async () => ({ wait: operation(z.unknown(), (_input, { context }) => context.sleep(1_200_000)) }),
  });
  // Headers are sent with the first line, so the response comes at the end only.
  const ended = fetch(`${server.url}/api/wait`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${server.token}`, origin: server.url },
    body: '{}',
  }).then((response) => response.text());
  await Promise.race([waiting, ended]);
  await server.close();
  expect(await ended).toMatch(/^\{"error":"unexpected: .*abort/);
});
