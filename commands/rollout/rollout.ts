import { queueName } from '../../lambdas/shared/queue-name.ts';
import type { Context } from '../shared/context.ts';
import type { MeasuredSpan } from '../shared/metric-points.ts';
import type { Stage } from '../shared/stage.ts';
import { criteriaOf, type Phase } from './criteria.ts';
import { type Check, checkFields, formatCheck } from './format-check.ts';
import { isMet, judge } from './judge.ts';
import { PERIOD_SECONDS, readMeasures } from './read-measures.ts';

export interface RolloutOptions {
  readonly stage: string;
  /** How far back is measured. */
  readonly hours: number;
  readonly json?: true | undefined;
}

/** `rollout check`: 0 where every criterion is met, else 1. @throws CommandFailed */
export async function checkRollout(phase: Phase, options: RolloutOptions, context: Context): Promise<number> {
  const { stage: stageName, hours, json } = options;
  const stage = await context.openStage(stageName);
  const check = await checkPhase(phase, lastHours(hours, context.now()), stage);
  context.terminal.print(json ? JSON.stringify(checkFields(check)) : formatCheck(check));
  return isMet(check.judgements) ? 0 : 1;
}

/** Up to the end of the period that now is in, so that what has just happened counts. */
export function lastHours(hours: number, nowMs: number): MeasuredSpan {
  const periodMs = PERIOD_SECONDS * 1000;
  const untilMs = (Math.floor(nowMs / periodMs) + 1) * periodMs;
  return { fromMs: untilMs - Math.round((hours * 3600) / PERIOD_SECONDS) * periodMs, untilMs };
}

/** Judges a phase by CloudWatch's figures of a span, and of the one before it. @throws what `readMeasures` throws */
export async function checkPhase(phase: Phase, span: MeasuredSpan, stage: Stage): Promise<Check> {
  const queues = [stage.output('EventsQueueUrl'), stage.output('DeliveriesQueueUrl')].map(queueName);
  const spanBefore = { fromMs: 2 * span.fromMs - span.untilMs, untilMs: span.fromMs };
  const [now, before] = await Promise.all([readMeasures(stage, queues, span), readMeasures(stage, queues, spanBefore)]);
  const criteria = criteriaOf(phase, stage.outputIfAny('WarmCacheEnabled') === 'true');
  const judgements = criteria.map((criterion) => judge(criterion, now, before));
  return { phase, stageName: stage.name, span, judgements };
}
