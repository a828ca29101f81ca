import { arnOf, type Resolver } from '../resolver.ts';
import { evaluate } from './metric-math.ts';
import { type LocalMetrics, type MetricStat, type Span, statisticOf } from './metrics.ts';

const TYPE = 'AWS::CloudWatch::Alarm';
const COMPOSITE_TYPE = 'AWS::CloudWatch::CompositeAlarm';

export type AlarmState = 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';

export interface DescribedAlarm {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly state: AlarmState;
  /** Since when it has been in ALARM, epoch milliseconds; undefined in another state. */
  readonly sinceMs: number | undefined;
  /** The values that were compared, latest first; a composite alarm, or one that an operator set, has none. */
  readonly values: readonly number[];
  readonly threshold: number | undefined;
  readonly isComposite: boolean;
}

interface Query {
  readonly Id: string;
  readonly Expression?: string;
  readonly MetricStat?: MetricStat;
  readonly ReturnData?: boolean;
}

interface MetricAlarm {
  readonly AlarmName: string;
  readonly AlarmDescription?: string;
  readonly Threshold: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm?: number;
  readonly ComparisonOperator?: string;
  readonly TreatMissingData?: string;
  readonly Metrics?: readonly Query[];
  readonly Namespace?: string;
  readonly MetricName?: string;
  readonly Dimensions?: MetricStat['Metric']['Dimensions'];
  readonly Period?: number;
  readonly Statistic?: string;
  readonly ExtendedStatistic?: string;
}

interface CompositeAlarm {
  readonly AlarmName: string;
  readonly AlarmDescription?: string;
  readonly AlarmRule: string;
}

export interface LocalAlarmsOptions {
  readonly resolver: Resolver;
  readonly metrics: LocalMetrics;
  /** Since when an operator has set an alarm to ALARM, whatever the metrics are, in epoch milliseconds. */
  readonly setAt?: (arn: string) => number | undefined;
}

export function registerAlarms(resolver: Resolver): void {
  for (const logicalId of [TYPE, COMPOSITE_TYPE].flatMap((type) => resolver.logicalIds(type))) {
    const name = resolver.nameOf(logicalId, 'AlarmName');
    resolver.register(logicalId, { ref: name, attributes: { Arn: arnOf('cloudwatch', `alarm:${name}`) } });
  }
}

/** ARNs of the alarms that are not composite. @throws UnresolvedReference before they are registered */
export function alarmArns(resolver: Resolver): string[] {
  return resolver.logicalIds(TYPE).map((id) => String(resolver.resolve({ 'Fn::GetAtt': [id, 'Arn'] }, id)));
}

/** Resolution of `sinceMs`, and how far back it is looked for, in milliseconds. */
const STEP_MS = 60_000;
const MAX_LOOK_BACK_MS = 24 * 3600_000;

/**
 * The template's alarms, evaluated on each call over the periods that end now. Nothing is notified and no state is stored,
 * so that an alarm ends as quickly as it begins. They compare with "greater than" or "less than".
 */
export class LocalAlarms {
  readonly #resolver: Resolver;
  readonly #metrics: LocalMetrics;
  readonly #setAt: (arn: string) => number | undefined;

  constructor({ resolver, metrics, setAt = () => undefined }: LocalAlarmsOptions) {
    this.#resolver = resolver;
    this.#metrics = metrics;
    this.#setAt = setAt;
  }

  /** @throws SyntaxError if an alarm uses something unsupported */
  describe(nowMs: number): readonly DescribedAlarm[] {
    const singles = this.#of<MetricAlarm>(TYPE).map(([arn, alarm]) => this.#describeSingle(arn, alarm, nowMs));
    const inAlarm = new Map(
      singles.flatMap(({ arn, sinceMs }) => (sinceMs === undefined ? [] : [[arn, sinceMs] as const])),
    );
    const composites = this.#of<CompositeAlarm>(COMPOSITE_TYPE).map(([arn, alarm]) => {
      const sinceMs = earliestInAlarm(alarm.AlarmRule, inAlarm);
      return described(arn, alarm, { sinceMs, values: [], threshold: undefined, isComposite: true });
    });
    return [...composites, ...singles];
  }

  #of<Properties>(type: string): readonly (readonly [arn: string, properties: Properties])[] {
    return this.#resolver
      .logicalIds(type)
      .map((id) => [
        String(this.#resolver.resolve({ 'Fn::GetAtt': [id, 'Arn'] }, id)),
        this.#resolver.properties(id) as unknown as Properties,
      ]);
  }

  #describeSingle(arn: string, alarm: MetricAlarm, nowMs: number): DescribedAlarm {
    const { Threshold: threshold } = alarm;
    const setAt = this.#setAt(arn);
    if (setAt !== undefined)
      return described(arn, alarm, { sinceMs: setAt, values: [], threshold, isComposite: false });
    const values = this.#valuesOf(alarm, nowMs);
    const sinceMs = isInAlarm(alarm, values) ? this.#sinceMs(alarm, nowMs) : undefined;
    const known = values.filter((value) => value !== undefined);
    return described(arn, alarm, { sinceMs, values: known, threshold, isComposite: false });
  }

  /** Walks back until it was not in ALARM. */
  #sinceMs(alarm: MetricAlarm, nowMs: number): number {
    let sinceMs = nowMs;
    while (nowMs - sinceMs < MAX_LOOK_BACK_MS && isInAlarm(alarm, this.#valuesOf(alarm, sinceMs - STEP_MS)))
      sinceMs -= STEP_MS;
    return sinceMs;
  }

  /** Of its evaluation periods, latest first; undefined where nothing was published. */
  #valuesOf(alarm: MetricAlarm, nowMs: number): readonly (number | undefined)[] {
    const { ComparisonOperator: comparison = 'GreaterThanThreshold' } = alarm;
    if (!isComparison(comparison)) throw new SyntaxError(`${alarm.AlarmName}: ${comparison} is not supported`);
    const { queries, periodMs } = queriesOf(alarm);
    return Array.from({ length: alarm.EvaluationPeriods }, (_, index) => {
      const untilMs = nowMs - index * periodMs + 1;
      return this.#valueOf(queries, { fromMs: untilMs - periodMs, untilMs });
    });
  }

  #valueOf(queries: readonly Query[], span: Span): number | undefined {
    const value = (id: string): number | undefined => {
      const query = queries.find(({ Id }) => Id === id);
      if (query === undefined) throw new SyntaxError(`an alarm has no metric ${id}`);
      if (query.Expression !== undefined) return evaluate(query.Expression, value);
      return query.MetricStat && statisticOf(query.MetricStat, this.#metrics, span);
    };
    return value(queries.find(({ ReturnData }) => ReturnData !== false)?.Id ?? '');
  }
}

const COMPARISONS = ['GreaterThanThreshold', 'LessThanThreshold'] as const;

function isComparison(name: string): name is (typeof COMPARISONS)[number] {
  return COMPARISONS.some((comparison) => comparison === name);
}

/** As CloudWatch: M of N periods breach the threshold; a period without a value counts as the alarm defines. */
function isInAlarm(alarm: MetricAlarm, values: readonly (number | undefined)[]): boolean {
  const { Threshold, TreatMissingData, EvaluationPeriods, DatapointsToAlarm = EvaluationPeriods } = alarm;
  const isBelow = alarm.ComparisonOperator === COMPARISONS[1];
  const breaching = values.filter((value) =>
    value === undefined ? TreatMissingData === 'breaching' : isBelow ? value < Threshold : value > Threshold,
  );
  return breaching.length >= DatapointsToAlarm;
}

function queriesOf(alarm: MetricAlarm) {
  const { Metrics, Namespace = '', MetricName = '', Dimensions = [], Period = 300 } = alarm;
  const Stat = alarm.Statistic ?? alarm.ExtendedStatistic ?? 'Sum';
  const own: Query = { Id: 'own', MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period, Stat } };
  const queries = Metrics ?? [own];
  const seconds = Math.max(...queries.map(({ MetricStat }) => MetricStat?.Period ?? 0));
  return { queries, periodMs: seconds * 1000 };
}

/**
 * Since when one of a rule's alarms has been in ALARM. CDK writes "any of" as `(ALARM("arn") OR ALARM("arn"))`.
 *
 * @throws SyntaxError for another rule
 */
function earliestInAlarm(rule: string, inAlarm: ReadonlyMap<string, number>): number | undefined {
  if (!/^\(?ALARM\("[^"]+"\)( OR ALARM\("[^"]+"\))*\)?$/.test(rule))
    throw new SyntaxError(`the alarm rule is not supported: ${rule}`);
  const since = [...rule.matchAll(/ALARM\("([^"]+)"\)/g)].flatMap(([, arn = '']) => inAlarm.get(arn) ?? []);
  return since.length === 0 ? undefined : Math.min(...since);
}

function described(
  arn: string,
  { AlarmName: name, AlarmDescription: description = '' }: MetricAlarm | CompositeAlarm,
  evaluated: Pick<DescribedAlarm, 'sinceMs' | 'values' | 'threshold' | 'isComposite'>,
): DescribedAlarm {
  return { name, arn, description, state: evaluated.sinceMs === undefined ? 'OK' : 'ALARM', ...evaluated };
}
