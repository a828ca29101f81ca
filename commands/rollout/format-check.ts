import { alignColumns } from '../shared/format.ts';
import type { MeasuredSpan } from '../shared/metric-points.ts';
import { shortTime } from '../shared/time-span.ts';
import { CRITERIA, type Phase } from './criteria.ts';
import type { Bound } from './judge.ts';
import { FIGURES, isMet, type Judgement, type Unit } from './judge.ts';

/** What was checked, and what came of it. */
export interface Check {
  readonly phase: Phase;
  readonly stageName: string;
  readonly span: MeasuredSpan;
  readonly judgements: readonly Judgement[];
}

/** The check in words. */
export function formatCheck({ phase, stageName, span, judgements }: Check): string {
  const { reach, questions } = CRITERIA[phase];
  const { since, until } = times(span);
  const rows = judgements.map((judgement) => {
    const { verdict, says, is, shouldBe, samples, source } = criterionTexts(judgement);
    return [verdict, says, is, shouldBe, `${samples}`, source];
  });
  return [
    `phase ${phase} (${reach}), stage ${stageName}, from ${since} to ${until}`,
    alignColumns([['met', 'what', 'is', 'should be', 'of', 'document'], ...rows]),
    ...judgements
      .map(criterionTexts)
      .flatMap(({ says, remedy }) => (remedy === undefined ? [] : [`${says}: ${remedy}`])),
    ...(questions.length === 0 ? [] : ['for a person to answer, whatever the exit status says:']),
    ...questions.map(({ asks, source }) => `  ${asks} (${source})`),
    conclusion(phase, judgements),
  ].join('\n');
}

/** One criterion in words: `99.99%`, and `at least 100%`. */
export interface CriterionTexts extends Pick<Judgement, 'verdict' | 'samples'> {
  readonly says: string;
  readonly is: string;
  readonly shouldBe: string;
  readonly source: string;
  /** What to do about a "no"; undefined for other verdicts, and where the phase's guide has it. */
  readonly remedy: string | undefined;
}

export function criterionTexts({ criterion, verdict, value, target, samples }: Judgement): CriterionTexts {
  const { says, figure, bound, source, remedy } = criterion;
  const { unit } = FIGURES[figure];
  return {
    ...{ verdict, says, samples, source },
    is: amount(value, unit),
    shouldBe: formatTarget(bound, target, unit),
    remedy: verdict === 'no' ? remedy : undefined,
  };
}

/** The check as one JSON document. */
export function checkFields({ phase, stageName, span, judgements }: Check): object {
  return {
    phase,
    stage: stageName,
    ...times(span),
    is_met: isMet(judgements),
    criteria: judgements.map(
      ({ criterion: { says, figure, bound, least, source, remedy }, verdict, value, target, samples }) => ({
        ...{ criterion: says, verdict },
        value: value ?? null,
        unit: FIGURES[figure].unit,
        ...{ bound: bound.is, target: target ?? null, samples, least_samples: least, source },
        ...(verdict === 'no' && remedy !== undefined && { remedy }),
      }),
    ),
    questions: CRITERIA[phase].questions,
  };
}

/** `pilot: not yet (1 × no)` */
export function conclusion(phase: Phase, judgements: readonly Judgement[]): string {
  if (isMet(judgements)) return `${phase}: all that metrics can tell is as it should be`;
  const counts = (['no', 'not enough data'] as const).map((verdict) => {
    const count = judgements.filter((judgement) => judgement.verdict === verdict).length;
    return count === 0 ? [] : [`${count} × ${verdict}`];
  });
  return `${phase}: not yet (${counts.flat().join(', ')})`;
}

function formatTarget({ is }: Bound, target: number | undefined, unit: Unit): string {
  return is === 'at most before' ? `at most ${amount(target, unit)}, as before` : `${is} ${amount(target, unit)}`;
}

/** Never rounded up: 99.999% is not 100%. */
function amount(value: number | undefined, unit: Unit): string {
  if (value === undefined) return '-';
  return unit === '%' ? `${Math.floor(value * 100) / 100}%` : `${Math.round(value)} ${unit}`.trimEnd();
}

function times({ fromMs, untilMs }: MeasuredSpan): { readonly since: string; readonly until: string } {
  const short = (ms: number) => shortTime(new Date(ms).toISOString());
  return { since: short(fromMs), until: short(untilMs) };
}
