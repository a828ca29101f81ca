import { readFlags, readNumber, UsageError } from '../local/command-line.ts';
import type { Context } from './context.ts';
import { CRITERIA, PHASES, type Phase } from './rollout/criteria.ts';
import { type Check, checkFields, describeCheck } from './rollout/describe-check.ts';
import { isMet, judge } from './rollout/judge.ts';
import { type MeasuredSpan, PERIOD_SECONDS, readMeasures } from './rollout/read-measures.ts';
import { runCommand } from './run-command.ts';
import type { Stage } from './stage.ts';

/** Bounds of `--hours`, and what it is without. CloudWatch keeps the period's values for 63 days, twice this is read. */
const HOURS = { least: 0.25, most: 336, usual: 24 } as const;

export const ROLLOUT_USAGE = `usage: npm run rollout -- check PHASE [--stage NAME] [--hours N] [--json]
  is the rollout ready to go on? Each criterion of the phase, answered by the stage’s metrics: yes, no, or not enough data
  PHASE         ${PHASES.map((phase) => `${phase} (${CRITERIA[phase].reach})`).join(', ')}
  --hours N     the last N hours: ${HOURS.least} to ${HOURS.most} (default: ${HOURS.usual})
  --json        one JSON document instead of words
  --stage NAME  local (default; the platform that "npm start" runs), dev, staging, prod
  ends with 0 where every answer is yes, else with 1. Questions that no metric answers are listed, and change nothing`;

/** `npm run rollout`: its exit status. @throws UsageError; CommandFailed */
export async function rollout([command, ...words]: readonly string[], context: Context): Promise<number> {
  if (command !== 'check') {
    throw new UsageError(command === undefined ? 'no command given' : `there is no command ${command}`);
  }
  const { phase, hours, stageName, asJson } = readOptions(words);
  const stage = await context.openStage(stageName);
  const check = await checkPhase(phase, lastHours(hours, context.now()), stage);
  context.terminal.print(asJson ? JSON.stringify(checkFields(check)) : describeCheck(check));
  return isMet(check.judgements) ? 0 : 1;
}

function readOptions([phase, ...words]: readonly string[]) {
  const known = PHASES.find((name) => name === phase);
  if (known === undefined) throw new UsageError(`check takes a phase: ${PHASES.join(', ')}`);
  const { hours, stage, json } = readFlags(words, {
    hours: { type: 'string', default: String(HOURS.usual) },
    stage: { type: 'string', default: 'local' },
    json: { type: 'boolean', default: false },
  });
  return {
    phase: known,
    hours: readNumber('hours', hours, HOURS.least, HOURS.most),
    stageName: stage,
    asJson: json,
  };
}

/** Up to the end of the period that now is in, so that what has just happened counts. */
function lastHours(hours: number, nowMs: number): MeasuredSpan {
  const periodMs = PERIOD_SECONDS * 1000;
  const untilMs = (Math.floor(nowMs / periodMs) + 1) * periodMs;
  return { fromMs: untilMs - Math.round((hours * 3600) / PERIOD_SECONDS) * periodMs, untilMs };
}

async function checkPhase(phase: Phase, span: MeasuredSpan, stage: Stage): Promise<Check> {
  const queues = [stage.output('EventsQueueUrl'), stage.output('DeliveriesQueueUrl')].map(queueName);
  const spanBefore = { fromMs: 2 * span.fromMs - span.untilMs, untilMs: span.fromMs };
  const [now, before] = await Promise.all([readMeasures(stage, queues, span), readMeasures(stage, queues, spanBefore)]);
  const judgements = CRITERIA[phase].criteria.map((criterion) => judge(criterion, now, before));
  return { phase, stageName: stage.name, span, judgements };
}

/** The last part of its URL. */
function queueName(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

if (import.meta.main) await runCommand(rollout, ROLLOUT_USAGE);
