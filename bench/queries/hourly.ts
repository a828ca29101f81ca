import { findStage } from '../../lib/stage.ts';
import { type Figure, figure } from '../figure.ts';
import { spread } from '../statistics.ts';
import { type Arrivals, countQueries, leastEnough, type Mapping, seededRandom } from './pollers.ts';

/** Document 001, success criteria: "Snowflake query volume <500/hour". */
const MOST_QUERIES_AN_HOUR = 500;

const RATES_PER_SECOND = [0.1, 1, 10, 100];
const REPEAT_SHARES = [0, 0.8];

/** Where Lambda starts; it adds more for a backlog, up to `maxConcurrency`. */
const POLLERS = 5;
/** A query and the rest of an invocation, roughly. */
const BUSY_SECONDS = 0.5;
/** Lambda's own bounds. */
const LONGEST_WINDOW_SECONDS = 300;
const LARGEST_BATCH = 10_000;

/** Queries an hour with the stages' batch size and window; and which of the two would keep them under the limit. */
export function hourlyFigures(hours: number): Figure[] {
  return RATES_PER_SECOND.flatMap((perSecond) =>
    REPEAT_SHARES.flatMap((repeatShare) => figuresOf({ perSecond, repeatShare, seconds: 3600 }, hours)),
  );
}

function figuresOf(arrivals: Arrivals, hours: number): Figure[] {
  const { batchSize, windowSeconds } = findStage('prod').eventSources.events;
  const mapping: Mapping = { pollers: POLLERS, batchSize, windowSeconds, busySeconds: BUSY_SECONDS };
  const name = `queries.hour.${arrivals.perSecond}_a_second.${arrivals.repeatShare * 100}_percent_repeats`;
  const counted = (changed: Partial<Mapping>, times: number) =>
    Array.from({ length: times }, (_, seed) => countQueries(arrivals, { ...mapping, ...changed }, seededRandom(seed)));
  const hour = figure({
    name,
    unit: 'queries/h',
    values: counted({}, hours),
    target: { of: 'value', is: 'at most', bound: MOST_QUERIES_AN_HOUR },
  });
  if (hour.isMet) return [hour];
  const isEnough = (changed: Partial<Mapping>) => spread(counted(changed, 1)).median <= MOST_QUERIES_AN_HOUR;
  const window = leastEnough(windowSeconds, LONGEST_WINDOW_SECONDS, (value) => isEnough({ windowSeconds: value }));
  if (window !== undefined) return [hour, figure({ name: `${name}.window_needed`, unit: 's', values: [window] })];
  // However long the window: batches are full before it ends.
  const batch = leastEnough(batchSize, LARGEST_BATCH, (value) =>
    isEnough({ windowSeconds: LONGEST_WINDOW_SECONDS, batchSize: value }),
  );
  return batch === undefined
    ? [hour]
    : [hour, figure({ name: `${name}.batch_needed`, unit: 'events', values: [batch] })];
}
