import { createWarmStore } from '../../lambdas/warehouse/warm-store.ts';
import type { WarmProgress } from '../../lambdas/warehouse/warming.ts';
import { COURSE, completion, ENTERPRISE } from '../../local/demo/sample-events.ts';
import { createOurPath } from '../enrichment/our-path.ts';
import { carryOutOrders } from '../worker.ts';

/** Learners are whole numbers from 1, all of them in the warehouse. */
export interface HourOrder {
  /** Learners whom the last complete run loaded, and those whom only the run before had loaded. */
  readonly warm: readonly number[];
  readonly outdated: readonly number[];
  /** Completions in the batches in which pollers hand them over. */
  readonly batches: readonly (readonly number[])[];
}

const [YESTERDAY, TODAY] = ['1768089600000000000', '1768176000000000000'] as const;
const PROGRESS: WarmProgress = {
  ...{ token: TODAY, selectionId: 'bench', queryId: 'bench', startedAt: '2026-01-12T06:45:00Z' },
  ...{ totalRows: 0, confirmedRows: 0, unreadableRows: 0, isShrinkAccepted: false },
};

/** The measured hour: the store of warm runs fills Valkey, then EnrichBatch's path takes batch after batch. */
const ours = createOurPath(process.env);
const ignore = () => {};
const store = createWarmStore({
  ...{ host: '127.0.0.1', port: Number(process.env.CACHE_PORT), tls: false, maxEcpuPerSecond: 1_000_000 },
  log: { info: ignore, warn: ignore, error: ignore },
});

const entryOf = (learner: number) => ({
  key: { userId: String(learner), courseId: COURSE, enterpriseId: ENTERPRISE },
  learningTime: { found: true, totalSeconds: 3600 + (learner % 3600), lastDate: '2026-01-10' } as const,
});

carryOutOrders<HourOrder, { readonly completions: number }>(async ({ warm, outdated, batches }) => {
  await store.write(outdated.map(entryOf), YESTERDAY);
  await store.writeProgress(PROGRESS);
  await store.write(warm.map(entryOf), TODAY);
  await store.complete({ token: TODAY, selectionId: 'bench', rows: warm.length, completedAt: '2026-01-12T06:50:00Z' });
  let completions = 0;
  for (const batch of batches) {
    await ours.enrich(
      batch.map((learner, index) => ({
        id: `message-${index}`,
        body: JSON.stringify(completion(`event-${learner}`, 'partner-0', learner)),
      })),
    );
    completions += batch.length;
  }
  return { completions };
});
