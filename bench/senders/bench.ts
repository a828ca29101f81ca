import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, pace, paceOf } from '../bench.ts';
import { loadFresh } from '../bundles/load.ts';
import { startSurroundings } from '../delivery/surroundings.ts';
import { type Figure, figure } from '../figure.ts';
import { startSender } from '../sender.ts';
import { CLIENTS, type Client } from './clients.ts';
import { writeFirstUses } from './first-use.ts';
import type { Order, Posted } from './sender.ts';

/** The one that sends our webhooks. */
const OURS = 'node:https';
/** Before anything counts each client runs so many times as long: V8 compiles what is hot. */
const WARM_UP_TIMES = 4;

export const bench: Bench = {
  about: 'what could send the webhooks: node:https, fetch, undici',
  options: pace(8, 0.3),
  usage: ['--rounds N --seconds N  how often each client sends in turn, and for how long each time'],
  async measure(values) {
    const { rounds, seconds } = paceOf(values);
    const posted = await measurePosts(rounds, seconds * 1000);
    const loadMs = await measureFirstUse(rounds);
    return { figures: CLIENTS.flatMap((client) => figuresOf(client, posted, loadMs)) };
  },
};

type ByClient<T> = Readonly<Record<Client, T[]>>;

function byClient<T>(): ByClient<T> {
  return { 'node:https': [], fetch: [], undici: [] };
}

async function measurePosts(rounds: number, durationMs: number): Promise<ByClient<Posted>> {
  const surroundings = await startSurroundings();
  try {
    const file = new URL('./sender.ts', import.meta.url);
    const sender = await startSender<Order, Posted>(file, surroundings.variables);
    try {
      for (const client of CLIENTS) await sender.perform({ client, durationMs: WARM_UP_TIMES * durationMs });
      const posted = byClient<Posted>();
      for (let round = 0; round < rounds; round += 1) {
        for (const client of inTurn(round)) posted[client].push(await sender.perform({ client, durationMs }));
      }
      return posted;
    } finally {
      await sender.stop();
    }
  } finally {
    await surroundings.stop();
  }
}

async function measureFirstUse(rounds: number): Promise<ByClient<number>> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    const files = await writeFirstUses(directory);
    const loadMs = byClient<number>();
    for (let round = 0; round < rounds; round += 1) {
      for (const client of inTurn(round)) loadMs[client].push(loadFresh(files.get(client) as string).elapsedMs);
    }
    return loadMs;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Forwards in one round and backwards in the next, so that what else the machine does meets all of them. */
function inTurn(round: number): readonly Client[] {
  return round % 2 === 0 ? CLIENTS : CLIENTS.toReversed();
}

function figuresOf(client: Client, posted: ByClient<Posted>, loadMs: ByClient<number>): Figure[] {
  const name = `senders.${client.replace(':', '_')}`;
  const beside = (values: ByClient<number>) =>
    client === OURS ? {} : { baseline: { name: OURS, values: values[OURS] } };
  const each = (of: (one: Posted) => number): ByClient<number> => ({
    'node:https': posted['node:https'].map(of),
    fetch: posted.fetch.map(of),
    undici: posted.undici.map(of),
  });
  const perSecond = each(({ requests, elapsedMs }) => (requests / elapsedMs) * 1000);
  const cpu = each(({ requests, cpuMs }) => (cpuMs / requests) * 1000);
  return [
    figure({ name: `${name}.per_second`, unit: 'requests/s', values: perSecond[client], ...beside(perSecond) }),
    figure({ name: `${name}.cpu`, unit: 'µs/request', values: cpu[client], ...beside(cpu) }),
    figure({ name: `${name}.first_use`, unit: 'ms', values: loadMs[client], ...beside(loadMs) }),
  ];
}
