import { fork } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CpuUse, ownCpuMs } from './cpu.ts';

/** What a worker sends: `{}` when it is ready, then for each order its result or why it failed. */
interface Message<Result> {
  readonly result?: Result;
  readonly fault?: string;
}

/** A process that carries out one order at a time. */
export interface Worker<Order, Result> extends AsyncDisposable {
  /** @throws Error if the order fails or the process ends */
  perform(order: Order): Promise<Result>;
}

export interface WorkerOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Where the CPU profile is written when the process ends. */
  readonly profileDirectory?: string | undefined;
  /** Options of Node, such as its limits of memory. */
  readonly execArgv?: readonly string[];
}

/** Starts a module that calls `carryOutOrders`. @throws Error if it ends before it is ready */
export async function startWorker<Order extends object | string, Result>(
  file: URL,
  { env = {}, profileDirectory, execArgv = [] }: WorkerOptions = {},
): Promise<Worker<Order, Result>> {
  const profile = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
  const child = fork(file, {
    env,
    execArgv: ['--disable-warning=ExperimentalWarning', ...profile, ...execArgv],
    // Logs are written as in Lambda, and discarded.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = once(child, 'exit');
  const failed = exited.then(([code]) => {
    throw new Error(`${file.pathname} ended with status ${code}`);
  });
  failed.catch(() => {});
  const nextMessage = async () => (await Promise.race([once(child, 'message'), failed]))[0] as Message<Result>;
  await nextMessage();
  return {
    async perform(order) {
      child.send(order);
      const { result, fault } = await nextMessage();
      if (fault !== undefined) throw new Error(`${file.pathname} failed: ${fault}`);
      return result as Result;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      await exited;
    },
  };
}

/** In the worker's process: from now on it is ready for orders. It ends with its parent. */
export function carryOutOrders<Order, Result>(perform: (order: Order) => Result | Promise<Result>): void {
  const send = (message: Message<Result>) => process.send?.(message);
  process.once('disconnect', () => process.exit());
  process.on('message', (order: Order) => {
    Promise.try(perform, order).then(
      (result) => send({ result }),
      (thrown: unknown) => send({ fault: String(thrown) }),
    );
  });
  send({});
}

/** A server in a process of its own. */
export interface ServerProcess<Use> extends AsyncDisposable {
  /** `127.0.0.1:<port>` or a URL. */
  readonly address: string;
  /** What it has done since it began. */
  use(): Promise<Use & CpuUse>;
}

type ServerOrder = 'address' | 'use';

/** Starts a module that calls `answerServerOrders`. @throws Error if it does not start */
export async function startServer<Use>(file: URL, env?: WorkerOptions['env']): Promise<ServerProcess<Use>> {
  const worker = await startWorker<ServerOrder, unknown>(file, { ...(env && { env }) });
  return {
    address: (await worker.perform('address')) as string,
    use: async () => (await worker.perform('use')) as Use & CpuUse,
    [Symbol.asyncDispose]: worker[Symbol.asyncDispose],
  };
}

/** In the server's process: reports its address and, together with its CPU, what it has done. */
export function answerServerOrders<Use extends object>(address: string, use: () => Use): void {
  carryOutOrders<ServerOrder, unknown>((order) => (order === 'address' ? address : { ...use(), cpuMs: ownCpuMs() }));
}

/** Listens on a free port of 127.0.0.1. @returns `127.0.0.1:<port>` */
export async function listen(server: Server): Promise<string> {
  // No connection is closed between rounds, however slow the machine is.
  server.keepAliveTimeout = 600_000;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
