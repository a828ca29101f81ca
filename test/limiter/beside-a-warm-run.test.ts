import { expect, test } from '@jest/globals';
import { createValkeyLimiter } from '../../lambdas/limiter/valkey-limiter.ts';
import { createWarmStore, PIPELINE_COMMANDS } from '../../lambdas/warehouse/warm-store.ts';
import type { WarmEntry } from '../../lambdas/warehouse/warming.ts';
import { ask } from '../../local/valkey/ask.ts';
import { startValkey } from '../../local/valkey/start-valkey.ts';
import { closedAfterEach } from '../support/closed-after-each.ts';
import { integration } from '../support/factories.ts';
import { recordingLog } from '../support/recording-log.ts';
import { startValkeyFront } from '../support/valkey-front.ts';

/** Fifty pipelines. */
const ENTRIES = 10_000;
/** Longer than a test: how long a command takes depends on the machine. */
const AMPLE = { commandMs: 60_000, firstConnectionMs: 60_000, reconnectionMs: 60_000, connectMs: 60_000 };
const closing = closedAfterEach();

/**
 * Valkey executes the commands of all clients one after the other. So a call of the limiter waits for the commands of a warm
 * run that are in the server when it arrives: at most a pipeline, 200 commands of some microseconds each, against the call's
 * 200 ms. `npm run bench` measures the time.
 */
test('a call of the limiter waits for at most one pipeline of a warm run, and does so throughout the run', async () => {
  const server = await startValkey();
  await closing({ close: () => server.stop() });
  const front = await startValkeyFront(server.port);
  await closing({ close: () => front.stop() });
  const log = recordingLog();
  const at = { host: '127.0.0.1', tls: false, log, deadlines: AMPLE };
  // So many ECPUs that the pace adds no waits: the worst case.
  const store = await closing(createWarmStore({ ...at, port: front.port, maxEcpuPerSecond: 15_000_000 }));
  const limiter = await closing(createValkeyLimiter({ ...at, port: server.port, slowAttempts: 10, environments: 20 }));
  const limited = integration({ max_requests_per_minute: 60_000 });
  await limiter.acquire(limited, [{}], { mayProbe: false });
  await store.readMarker();

  const entries = Array.from(
    { length: ENTRIES },
    (_, index): WarmEntry => ({
      key: { userId: `${index + 1}`, courseId: 'course-v1:Org+Course+Run', enterpriseId: 'e0c1' },
      learningTime: { found: true, totalSeconds: index, lastDate: '2026-01-10' },
    }),
  );
  let isWarm = false;
  const writing = store.write(entries, '1768003200000000000').then(() => {
    isWarm = true;
  });
  const verdicts = new Set<string>();
  while (!isWarm) {
    const { decisions } = await limiter.acquire(limited, [{}], { mayProbe: false });
    for (const { verdict } of decisions) verdicts.add(verdict);
  }
  await writing;

  expect(await ask(server.port, ['DBSIZE'])).toBe(`:${ENTRIES + 1}`);
  expect(front.mostUnanswered).toBeLessThanOrEqual(PIPELINE_COMMANDS);
  expect(verdicts).toContain('allow');
  // No call fell back to the environment's share of the limit.
  expect(log.lines).toEqual([]);
});
