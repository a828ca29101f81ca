import { startEnrichmentSurroundings } from '../enrichment/enrichment-surroundings.ts';
import { LEARNERS } from '../enrichment/events.ts';
import { type Figure, figure } from '../figure.ts';
import { startWorker } from '../worker.ts';
import { HOURS_OF_WEEK } from './activity.ts';
import type { HourOrder } from './hour-sender.ts';
import { poll } from './pollers.ts';
import { seededRandom } from './random.ts';
import { PROCESSING, type SimulatedWeek } from './week.ts';
import { MAPPINGS } from './week-figures.ts';

const HOUR_SECONDS = 3600;

/**
 * Sends the completions of the week's busiest hour through the functions' own code, without waiting between them: the store of
 * warm runs, the cache in a real Valkey, enrichment, and `snowflake-sdk` with the local Snowflake. The queries that this makes
 * are those that the simulation counts.
 *
 * @throws Error if a completion is not enriched
 */
export async function busiestHourFigures({ arrivals }: SimulatedWeek): Promise<Figure[]> {
  const hour = busiestHour(arrivals.map(({ atSeconds }) => Math.floor(atSeconds / HOUR_SECONDS)));
  const completions = arrivals
    .filter(({ atSeconds }) => Math.floor(atSeconds / HOUR_SECONDS) === hour)
    .slice(0, LEARNERS)
    .map((arrival, index) => ({ ...arrival, learner: index + 1 }));
  const batches: number[][] = [];
  const { queriesAt } = poll(completions, { ...MAPPINGS.warmed, ...PROCESSING }, seededRandom(1), (batch) =>
    batches.push(batch.map(({ learner }) => learner)),
  );
  const learnersWho = (isMiss: boolean) =>
    completions.filter((completion) => completion.isMiss === isMiss).map(({ learner }) => learner);

  await using surroundings = await startEnrichmentSurroundings();
  // Nothing is timed, so a busy machine may take its time.
  const env = { ...surroundings.variablesFor(1), IO_DEADLINE_FACTOR: '10' };
  await using sender = await startWorker<HourOrder, { readonly completions: number }>(
    new URL('./hour-sender.ts', import.meta.url),
    { env },
  );
  const before = await surroundings.uses();
  await sender.perform({ warm: learnersWho(false), outdated: learnersWho(true), batches });
  const after = await surroundings.uses();
  const enriched = after.queue.enriched - before.queue.enriched;
  if (enriched !== completions.length)
    throw new Error(`of ${completions.length} completions ${enriched} were enriched`);
  return [
    figure({
      name: 'warming.week.busiest_hour.queries',
      unit: 'queries',
      values: [after.warehouse.statements - before.warehouse.statements],
      baseline: { name: 'the simulation', values: [queriesAt.length] },
    }),
  ];
}

function busiestHour(hours: readonly number[]): number {
  const counts = new Array<number>(HOURS_OF_WEEK).fill(0);
  for (const hour of hours) counts[hour] = (counts[hour] as number) + 1;
  return counts.indexOf(Math.max(...counts));
}
