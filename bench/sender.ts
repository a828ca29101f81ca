import { startChild } from './child.ts';

/** What a sender's process says: that it is ready, then of each order what came of it. */
type SenderMessage<Result> = { readonly ready: true } | { readonly done: Result } | { readonly fault: string };

/** A process that carries out what is ordered, one order at a time. */
export interface Sender<Order, Result> {
  /** @throws Error where it could not be done */
  perform(order: Order): Promise<Result>;
  stop(): Promise<void>;
}

/**
 * Starts a module that calls `carryOutOrders`.
 *
 * @param profileDirectory where its CPU profile is written as it ends
 */
export async function startSender<Order extends object, Result>(
  file: URL,
  env: Readonly<Record<string, string>>,
  profileDirectory?: string,
): Promise<Sender<Order, Result>> {
  const flags = profileDirectory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profileDirectory}`];
  const child = startChild(file, { env, flags });
  await child.next();
  return {
    async perform(order) {
      const told = (await child.ask(order)) as SenderMessage<Result>;
      if ('done' in told) return told.done;
      throw new Error(`the sender failed: ${'fault' in told ? told.fault : 'it is not at work'}`);
    },
    stop: child.stop,
  };
}

/** In the sender's process: from now on it is ready for orders. It ends with its parent. */
export function carryOutOrders<Order, Result>(perform: (order: Order) => Promise<Result>): void {
  const tell = (message: SenderMessage<Result>) => process.send?.(message);
  process.once('disconnect', () => process.exit());
  process.on('message', (order: Order) => {
    perform(order).then(
      (done) => tell({ done }),
      (thrown: unknown) => tell({ fault: String(thrown) }),
    );
  });
  tell({ ready: true });
}

/** What some work of this process took. */
export interface Expense {
  readonly elapsedMs: number;
  /** Of the whole process, user and system. */
  readonly cpuMs: number;
}

export async function metered<T>(work: () => Promise<T>): Promise<Expense & { readonly value: T }> {
  const startedAtMs = performance.now();
  const before = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(before);
  return { value, elapsedMs: performance.now() - startedAtMs, cpuMs: (user + system) / 1000 };
}
