import { setTimeout as sleep } from 'node:timers/promises';
import { createValkeyLimiter } from '../../lambdas/limiter/valkey-limiter.ts';
import { carryOutOrders } from '../worker.ts';

/** `begin`: from now on it calls. `end`: the durations of the calls since then, in ms. */
export type LimiterOrder = 'begin' | 'end';

export interface LimiterCalls {
  readonly latenciesMs: readonly number[];
  /** Calls without a reply within 200 ms, after which this environment sends its share. */
  readonly failures: number;
}

const EVERY_MS = 20;
const INTEGRATION = {
  ...{ id: 'partner', url: 'https://partner.example.com/webhooks' },
  ...{ max_requests_per_minute: 60_000, timeout_seconds: 15 },
} as const;

let failures = 0;
const complain = () => {
  failures += 1;
};
const limiter = createValkeyLimiter({
  host: '127.0.0.1',
  port: Number(process.env.CACHE_PORT),
  tls: false,
  log: { info: () => {}, warn: complain, error: complain },
  slowAttempts: 10,
  environments: 10,
});
limiter.connect();

let latenciesMs: number[] = [];
let calling: Promise<void> | undefined;
let isEnded = false;

async function call(): Promise<void> {
  while (!isEnded) {
    const startedAtMs = performance.now();
    await limiter.acquire(INTEGRATION, [{}], { mayProbe: false });
    latenciesMs.push(performance.now() - startedAtMs);
    await sleep(EVERY_MS);
  }
}

/** A delivery function's calls of its limiter, while WarmCache loads the same Valkey. */
carryOutOrders<LimiterOrder, LimiterCalls>(async (order) => {
  if (order === 'begin') {
    latenciesMs = [];
    failures = 0;
    isEnded = false;
    calling = call();
  } else {
    isEnded = true;
    await calling;
  }
  return { latenciesMs, failures };
});
