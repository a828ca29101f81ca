import { type Bench, numberOf, pace, paceOf } from '../bench.ts';
import { measureEnrichment } from './measure.ts';
import { BATCH_SIZE } from './orders.ts';
import { figuresOf, formatEnrichment } from './report.ts';

export const bench: Bench = {
  about: 'enrichment against a bare loop and against document 001’s code, warm, cold and growing',
  options: { ...pace(6, 0.6), events: { type: 'string', default: '500' }, profile: { type: 'string' } },
  usage: [
    '--rounds N --seconds N  how often all sides are measured in turn, and for how long each time',
    '--events N              of the smallest growth; the others have 10 and 100 times as many',
    '--profile DIRECTORY     writes the senders’ CPU profiles, for the developer tools of a browser',
  ],
  async measure(values) {
    const measured = await measureEnrichment({
      ...paceOf(values),
      events: Math.round(numberOf(values, 'events', BATCH_SIZE, 10_000)),
      profileDirectory: values.profile as string | undefined,
    });
    return { details: formatEnrichment(measured), figures: figuresOf(measured) };
  },
};
