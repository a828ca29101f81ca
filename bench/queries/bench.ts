import { synthesizeLocalStage } from '../../local/synthesize.ts';
import { type Bench, numberOf } from '../bench.ts';
import { figure } from '../figure.ts';
import { workOffBacklog } from './backlog.ts';
import { hourlyFigures } from './hourly.ts';

const MOST_QUERIES_OF_10_000 = 200;

export const bench: Bench = {
  about: 'what the warehouse is asked: for a backlog of cold events, and in an hour of steady arrivals',
  options: { events: { type: 'string', default: '10000' }, hours: { type: 'string', default: '5' } },
  usage: ['--events N  of the backlog', '--hours N   that are simulated of each rate of arrivals'],
  async measure(values) {
    const events = Math.round(numberOf(values, 'events', 10, 100_000));
    const { queries, seconds } = await workOffBacklog(events, await synthesizeLocalStage());
    const most = { of: 'value', is: 'at most', bound: (events * MOST_QUERIES_OF_10_000) / 10_000 } as const;
    return {
      figures: [
        figure({ name: 'queries.backlog', unit: `queries/${events} events`, values: [queries], target: most }),
        figure({ name: 'queries.backlog.per_second', unit: 'events/s', values: [events / seconds] }),
        ...hourlyFigures(Math.round(numberOf(values, 'hours', 1, 100))),
      ],
    };
  },
};
