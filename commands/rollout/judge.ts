import type { Bound, Criterion } from './criteria.ts';
import { FIGURES } from './figures.ts';
import type { Measures } from './measures.ts';

export type Answer = 'yes' | 'no' | 'not enough data';

export interface Judgement {
  readonly criterion: Criterion;
  readonly answer: Answer;
  readonly value: number | undefined;
  /** What the value is held against; undefined where that, too, is a figure that nobody published. */
  readonly target: number | undefined;
  readonly samples: number;
}

/** @param before of the span of equal length before `now` */
export function judge(criterion: Criterion, now: Measures, before: Measures): Judgement {
  const { figure, bound, least, isBreachFinal } = criterion;
  const rule = FIGURES[figure];
  const { value, samples } = rule.of(now);
  const compared = bound.is === 'at most before' ? rule.of(before) : undefined;
  const target = bound.is === 'at most before' ? compared?.value : bound.target;
  const isEnough = samples >= least && (compared === undefined || compared.samples >= least);
  return { criterion, answer: answerOf(), value, target, samples };

  function answerOf(): Answer {
    if (value === undefined || target === undefined) return 'not enough data';
    if (!holds(bound, value, target)) return isEnough || isBreachFinal ? 'no' : 'not enough data';
    return isEnough ? 'yes' : 'not enough data';
  }
}

function holds({ is }: Bound, value: number, target: number): boolean {
  switch (is) {
    case 'at least':
      return value >= target;
    case 'more than':
      return value > target;
    case 'at most':
      return value <= target;
    case 'less than':
      return value < target;
    case 'at most before':
      return tenths(value) <= tenths(target);
  }
}

/** Less than a tenth of a percent is no increase: two spans are never alike to the last webhook. */
function tenths(percent: number): number {
  return Math.round(percent * 10);
}

/** Whether a phase has passed what metrics can tell. */
export function isMet(judgements: readonly { readonly answer: Answer }[]): boolean {
  return judgements.every(({ answer }) => answer === 'yes');
}
