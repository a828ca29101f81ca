import { setTimeout as sleep } from 'node:timers/promises';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { METRICS } from '../../lambdas/contract/metrics.ts';
import { webhookId } from '../../lambdas/domain/identity.ts';
import { readLogs } from '../../local/demo/evidence.ts';
import { deployIntegrations, output } from '../../local/demo/operator.ts';
import { COURSE, completion, ENTERPRISE } from '../../local/demo/sample-events.ts';
import { startWorld, type World } from '../../local/demo/world.ts';
import { startChild } from '../child.ts';
import { processCpuMs } from '../process-cpu.ts';
import { type Variant, variantAssembly } from './variant.ts';

const INTEGRATION = 'partner';
const FIRST_LEARNER = 1_000_000;
/** Learners that the warehouse knows; a run asks for fewer. */
const LEARNERS = 5_000;
const SENT_AT_ONCE = 10;
const LAST_ARRIVAL_MS = 20_000;
const LOOK_EVERY_MS = 100;

/** A completion that was published: when, in epoch ms, before it was sent. */
export interface Published {
  readonly webhookId: string;
  readonly atMs: number;
}

/** The whole pipeline, the flag on for everybody, and a partner in a process of its own that answers 200 at once. */
export interface Pipeline {
  /** Publishes a completion of each of these learners, up to ten in a call. @param learners numbers from 0 */
  publish(learners: readonly number[]): Promise<Published[]>;
  /** Until the partner has received them: how long each took, in ms; `Infinity` where it did not come in 20 seconds. */
  latencies(published: readonly Published[]): Promise<number[]>;
  /** CPU of all function processes, ended ones left out, since they began, in ms. */
  cpuMs(): number;
  /** What the functions counted until now: keys that the cache knew, and keys that it did not. */
  cacheLookups(): { readonly hits: number; readonly misses: number };
  /** What the functions wrote since then, epoch ms: their logs, with the metrics in them, in bytes. */
  writtenBytes(sinceMs: number): number;
  stop(): Promise<void>;
}

/** @throws Error where a part does not start; the others are stopped then */
export async function startPipeline(assemblyDirectory: string, variant: Variant): Promise<Pipeline> {
  const assembly = await variantAssembly(assemblyDirectory, variant);
  const partner = startChild(new URL('../recording-partner.ts', import.meta.url));
  let world: World | undefined;
  const stop = async () => {
    await Promise.all([world?.stop(), partner.stop()]);
    assembly.remove();
  };
  try {
    const url = `http://127.0.0.1:${await partner.next()}`;
    const partners = { [INTEGRATION]: { answers: 200 } } as const;
    world = await startWorld({ assemblyDirectory: assembly.directory, partners });
    deployIntegrations(world.platform, [{ id: INTEGRATION, url: `${url}/${INTEGRATION}` }]);
    world.switchFlag(true);
    await world.warehouse.load(Array.from({ length: LEARNERS }, (_, learner) => learnerRow(learner)));
    const { platform } = world;
    const arrivals = async () => new Map(((await partner.ask('arrivals')) as [string, number][]).toReversed());
    return {
      publish: publisher(world),
      latencies: (published) => latencies(published, arrivals),
      cpuMs: () =>
        platform.functions
          .all()
          .flatMap((pool) => pool.processIds())
          .reduce((sum, id) => sum + processCpuMs(id), 0),
      cacheLookups: () => ({ hits: counted(platform, METRICS.cacheHit), misses: counted(platform, METRICS.cacheMiss) }),
      writtenBytes: (sinceMs) =>
        platform.functions
          .all()
          .flatMap((pool) => pool.logs().filter(({ at }) => at >= sinceMs))
          .reduce((sum, { text }) => sum + Buffer.byteLength(text) + 1, 0),
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

function learnerRow(learner: number) {
  const userId = FIRST_LEARNER + learner;
  return { userId, courseId: COURSE, enterpriseId: ENTERPRISE, date: '2026-01-10', seconds: 3600 };
}

/** Every event is another, whoever its learner is. */
function publisher({ platform }: World): Pipeline['publish'] {
  const QueueUrl = output(platform, 'EventsQueueUrl');
  let events = 0;
  return async (learners) => {
    const published: Published[] = [];
    const sending: Promise<unknown>[] = [];
    for (let from = 0; from < learners.length; from += SENT_AT_ONCE) {
      const Entries = learners.slice(from, from + SENT_AT_ONCE).map((learner, index) => {
        const eventId = `event-${events++}`;
        published.push({ webhookId: webhookId(INTEGRATION, eventId), atMs: Date.now() });
        const MessageBody = JSON.stringify(completion(eventId, INTEGRATION, FIRST_LEARNER + learner));
        return { Id: String(index), MessageBody, MessageGroupId: ENTERPRISE };
      });
      sending.push(platform.queues.client.send(new SendMessageBatchCommand({ QueueUrl, Entries })));
    }
    await Promise.all(sending);
    return published;
  };
}

async function latencies(
  published: readonly Published[],
  arrivals: () => Promise<ReadonlyMap<string, number>>,
): Promise<number[]> {
  const untilMs = Date.now() + LAST_ARRIVAL_MS;
  for (;;) {
    const arrived = await arrivals();
    if (published.every(({ webhookId }) => arrived.has(webhookId)) || Date.now() > untilMs) {
      return published.map(({ webhookId, atMs }) => (arrived.get(webhookId) ?? Number.POSITIVE_INFINITY) - atMs);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

/** The sum of a metric over all lines of EMF that the functions wrote. */
function counted(platform: World['platform'], name: string): number {
  return readLogs(platform)
    .flatMap((line) => (line as Readonly<Record<string, unknown>>)[name])
    .reduce<number>((sum, value) => sum + (typeof value === 'number' ? value : 0), 0);
}
