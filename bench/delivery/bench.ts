import { type Bench, pace, paceOf } from '../bench.ts';
import { type Figure, figureOf } from '../figure.ts';
import { type DeliveryReport, formatDelivery, measureDelivery, TARGET } from './measure.ts';

export const bench: Bench = {
  about: 'our delivery path against a bare keep-alive POST loop',
  options: { ...pace(12, 0.3), parts: { type: 'boolean', default: false }, profile: { type: 'string' } },
  usage: [
    '--rounds N --seconds N  how often everything is measured in turn, and for how long each time',
    '--parts                 besides, our path without one part at a time: what each of them costs',
    '--profile DIRECTORY     writes the sender’s CPU profile, for the developer tools of a browser',
  ],
  async measure(values) {
    const report = await measureDelivery({
      ...paceOf(values),
      hasParts: values.parts === true,
      profileDirectory: values.profile as string | undefined,
    });
    return { details: formatDelivery(report), figures: figuresOf(report) };
  },
};

/** What the target is about; the other rows of the table are the whole function. */
const AIMED_AT = 'signing, guard and limits';

function figuresOf({ bare, contestants }: DeliveryReport): Figure[] {
  return Object.entries(contestants).flatMap(([contestant, { ours, throughput, cpu, runs }]) => {
    const name = `delivery.${contestant.replaceAll(/\W+/g, '_')}`;
    const target = { of: 'ratio', is: 'at least', bound: TARGET } as const;
    const aim = contestant === AIMED_AT ? { target } : {};
    return [
      figureOf({
        name: `${name}.per_second`,
        unit: 'deliveries/s',
        value: ours.perSecond,
        runs,
        beside: { name: 'bare loop', value: bare.perSecond, ratio: throughput },
        ...aim,
      }),
      figureOf({
        name: `${name}.cpu`,
        unit: 'µs/delivery',
        value: ours.cpuMicroseconds,
        runs,
        beside: { name: 'bare loop', value: bare.cpuMicroseconds, ratio: inverse(cpu) },
      }),
    ];
  });
}

/** The report's ratio is the bare loop's CPU by ours, so that more is better; a figure's is value by baseline. */
function inverse({ median, min, max }: { readonly median: number; readonly min: number; readonly max: number }) {
  return { median: 1 / median, min: 1 / max, max: 1 / min };
}
