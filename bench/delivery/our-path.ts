import type { ReceivedMessage } from '../../lambdas/adapters/batch-intake.ts';
import type { Limiter } from '../../lambdas/contract/limiter.ts';
import type { Log } from '../../lambdas/contract/log.ts';
import { type DeliverMessagesServices, deliverMessages } from '../../lambdas/delivery/deliver-messages.ts';
import { attemptWithinLimits } from '../../lambdas/delivery/limited-attempts.ts';
import type { IntegrationBook } from '../../lambdas/domain/integrations.ts';
import { NO_LEDGER } from '../no-ledger.ts';
import type { Post } from './bare-loop.ts';
import { LIMIT_OUT_OF_REACH, type Load } from './loads.ts';
import { batchesFor, bodiesFor, readyFor } from './messages.ts';
import { createWatchedServices } from './watched-services.ts';

/**
 * Our delivery path as `deliver-batch.ts` wires it, without the queues and the workflow, which are not wanted, and without
 * the ledger, which has a benchmark of its own.
 */
export interface OurPath {
  /** The exact bodies that partners get. */
  readonly bodies: readonly string[];
  /** Our sender alone. */
  postTo(url: string): Post;
  /** Takes deliveries of one partner through its gate, signed. @returns how many were made @throws as `deliver` */
  sendSigned(load: Extract<Load, { kind: 'signed' }>, untilMs: number): Promise<number>;
  /** Delivers batch after batch. @returns how many deliveries were made @throws Error where one fails, waits or dies */
  deliver(load: Extract<Load, { kind: 'ours' }>, untilMs: number): Promise<number>;
  /** Whether the gate's server did not answer in time since this was last asked. */
  takeGateLost(): boolean;
}

/** @throws Error where the integrations cannot be read */
export async function createOurPath(variables: NodeJS.ProcessEnv): Promise<OurPath> {
  const watch = createWatchedServices(variables);
  const real: DeliverMessagesServices = { ...watch.services, ledger: NO_LEDGER };
  const book = await real.integrations.read();
  if (book === undefined) throw new Error('the integrations cannot be read');
  const batches = { many: batchesFor('many', book), one: batchesFor('one', book) };
  const boundless = withoutBound(book);

  async function deliverOneAfterAnother(
    all: readonly (readonly ReceivedMessage[])[],
    first: number,
    untilMs: number,
    services: DeliverMessagesServices,
  ): Promise<void> {
    for (let next = first; performance.now() < untilMs; next += 1) {
      const failures = await deliverMessages(all[next % all.length] as readonly ReceivedMessage[], services);
      watch.check(failures.values());
    }
  }

  const { integration, ready } = readyFor(boundless);
  const quiet = { ...real, log: SILENCE, counter: { count() {}, measure() {} } };
  let signed = 0;
  async function sendSignedOneAfterAnother(untilMs: number): Promise<void> {
    while (performance.now() < untilMs) {
      const { outcomes, reported } = await attemptWithinLimits(integration, ready, quiet, true);
      for (const outcome of await Promise.all(outcomes)) {
        if (outcome.to !== 'settle' || outcome.result.outcome !== 'delivered') throw new Error(JSON.stringify(outcome));
      }
      await reported;
      signed += ready.length;
    }
  }

  return {
    takeGateLost: watch.takeGateLost,
    async sendSigned({ batchesAtOnce }, untilMs) {
      const before = signed;
      await Promise.all(Array.from({ length: batchesAtOnce }, () => sendSignedOneAfterAnother(untilMs)));
      return signed - before;
    },
    bodies: bodiesFor('many', book),
    postTo: (url) => async (body) => {
      const headers = { 'content-type': 'application/json' };
      const result = await real.sender.send({ url, headers, body, timeoutMs: 5_000 });
      if (result.kind === 'failed' || result.status !== 200) throw new Error(JSON.stringify(result));
    },
    async deliver({ receivers, batchesAtOnce, without }, untilMs) {
      const services: DeliverMessagesServices = {
        ...real,
        ...(receivers === 'one' && { integrations: { read: async () => boundless } }),
        ...(without === 'gate' && { limiter: OPEN_LIMITER }),
        ...(without === 'log' && { log: SILENCE }),
      };
      const before = watch.delivered;
      const working = Array.from({ length: batchesAtOnce }, (_, first) =>
        deliverOneAfterAnother(batches[receivers], first, untilMs, services),
      );
      await Promise.all(working);
      return watch.delivered - before;
    },
  };
}

const OPEN_LIMITER: Limiter = {
  async acquire(_integration, requests) {
    return { decisions: requests.map(() => ({ verdict: 'allow' })), isSlow: false, wantsReport: false };
  },
  async report() {},
  async reportSlow() {},
};

const SILENCE: Log = { info() {}, warn() {}, error() {} };

function withoutBound(book: IntegrationBook): IntegrationBook {
  const entries = [...book.byId].map(
    ([id, integration]) => [id, { ...integration, max_requests_per_minute: LIMIT_OUT_OF_REACH }] as const,
  );
  return { ...book, byId: new Map(entries) };
}
