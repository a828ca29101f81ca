import { UsageError } from '../../local/command-line.ts';
import { type Bench, numberOf, pace, paceOf, type Values } from '../bench.ts';
import type { Figure } from '../figure.ts';
import { modelledActivity } from './activity.ts';
import { activityOfFile } from './activity-file.ts';
import { busiestHourFigures } from './busiest-hour.ts';
import { loadFigures } from './load.ts';
import { seededRandom } from './random.ts';
import type { SimulatedWeek } from './week.ts';
import { costFigures, MAX_ROWS, seedsFrom, weekDetails, weekFigures, weekOf } from './week-figures.ts';
import { windowFigures } from './window.ts';

const PARTS = ['week', 'window', 'load'] as const;

/** The runs with a million rows take minutes. */
const MAX_LOAD_ROUNDS = 1;
type Part = (typeof PARTS)[number];

/** Shares of short courses of which the week is simulated as well: what the figures depend on most. */
const OTHER_SHARES = [0, 0.5, 1];
const WEEKS = 3;

export const bench: Bench = {
  about: 'a cache that is loaded after each change of the table: a simulated week, the window, a warm run',
  options: {
    ...pace(3, 4),
    part: { type: 'string', default: 'all' },
    seed: { type: 'string', default: '1' },
    'per-second': { type: 'string', default: '2' },
    modules: { type: 'string', default: '0.2' },
    week: { type: 'string' },
  },
  usage: [
    `--part NAME      one of ${PARTS.join(', ')}`,
    '--rounds N --seconds N  number of bursts, and of periods of the steady stream, and their duration',
    '--seed N         of the simulated week',
    '--per-second N   completions a second in the busiest hour of it',
    '--modules SHARE  completions that are of courses of an hour or two',
    '--week FILE      real activity instead of the model: {"active_days":[…],"completed_at":…}, a line for each learner',
  ],
  async measure(values) {
    const part = values.part as string;
    if (part !== 'all' && !PARTS.some((name) => name === part)) throw new UsageError(`there is no part ${part}`);
    const isAsked = (name: Part) => part === 'all' || part === name;
    const { rounds, seconds } = paceOf(values);
    return [
      ...(isAsked('week') ? await simulatedWeek(values) : []),
      ...(isAsked('window') ? await windowFigures(rounds, seconds) : []),
      ...(isAsked('load') ? await loadFigures(Math.min(rounds, MAX_LOAD_ROUNDS)) : []),
    ];
  },
};

async function simulatedWeek(values: Values): Promise<Figure[]> {
  const seed = Math.round(numberOf(values, 'seed', 0, 2 ** 31));
  const perSecond = numberOf(values, 'per-second', 0.0001, 20);
  const modules = numberOf(values, 'modules', 0, 1);
  const seeds = seedsFrom(seed, WEEKS);
  const file = values.week as string | undefined;
  const activity = file === undefined ? modelledActivity(modules, seededRandom(seed)) : activityOfFile(file);
  const weeks = seeds.map((each) => weekOf(activity, perSecond, each));
  const others = file === undefined ? OTHER_SHARES : [];
  return [
    ...weekFigures('', weeks, true),
    ...(await busiestHourFigures(weeks[0] as SimulatedWeek)),
    ...weekDetails(weeks),
    // With the stage's own limit of rows, which a week at 2 a second exceeds.
    ...weekFigures('.max_rows', [weekOf(activity, perSecond, seeds[0] as number, MAX_ROWS)], false),
    ...others.flatMap((share) => {
      const other = modelledActivity(share, seededRandom(seed));
      return weekFigures(`.modules_${share * 100}`, [weekOf(other, perSecond, seed)], false);
    }),
    ...costFigures(activity, seeds.slice(0, 1)),
  ];
}
