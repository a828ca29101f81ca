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
  /** Whether somebody has an alarm ring, whatever the metrics say. */
  readonly isSet?: (arn: string) => boolean;
}

export function registerAlarms(resolver: Resolver): void {
  for (const logicalId of [TYPE, COMPOSITE_TYPE].flatMap((type) => resolver.logicalIds(type))) {
    const name = resolver.nameOf(logicalId, 'AlarmName');
    resolver.register(logicalId, { ref: name, attributes: { Arn: arnOf('cloudwatch', `alarm:${name}`) } });
  }
}

/** Of the alarms that are not composite. @throws UnresolvedReference before they are registered */
export function alarmArns(resolver: Resolver): string[] {
  return resolver.logicalIds(TYPE).map((id) => String(resolver.resolve({ 'Fn::GetAtt': [id, 'Arn'] }, id)));
}

/**
 * The template's alarms, each judged as it is asked for, over the periods that end now: nothing is told to anybody, and
 * nothing is remembered, so that an alarm is as quick to end as it is to begin. All compare with "greater than".
 */
export class LocalAlarms {
  readonly #resolver: Resolver;
  readonly #metrics: LocalMetrics;
  readonly #isSet: (arn: string) => boolean;

  constructor({ resolver, metrics, isSet = () => false }: LocalAlarmsOptions) {
    this.#resolver = resolver;
    this.#metrics = metrics;
    this.#isSet = isSet;
  }

  /** @throws SyntaxError where an alarm is made of what is not understood here */
  describe(nowMs: number): readonly DescribedAlarm[] {
    const singles = this.#of<MetricAlarm>(TYPE).map(([arn, alarm]) =>
      described(arn, alarm, this.#isSet(arn) ? 'ALARM' : this.#stateOf(alarm, nowMs), false),
    );
    const ringing = new Set(singles.filter(({ state }) => state === 'ALARM').map(({ arn }) => arn));
    const composites = this.#of<CompositeAlarm>(COMPOSITE_TYPE).map(([arn, alarm]) =>
      described(arn, alarm, rings(alarm.AlarmRule, ringing) ? 'ALARM' : 'OK', true),
    );
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

  /** As CloudWatch does it: all periods must be over, or so many of them; those without a value count as the alarm says. */
  #stateOf(alarm: MetricAlarm, nowMs: number): AlarmState {
    const { ComparisonOperator: comparison = 'GreaterThanThreshold' } = alarm;
    if (comparison !== 'GreaterThanThreshold')
      throw new SyntaxError(`${alarm.AlarmName}: ${comparison} is not known here`);
    const { queries, periodMs } = queriesOf(alarm);
    const periods = Array.from({ length: alarm.EvaluationPeriods }, (_, index) => {
      const untilMs = nowMs - index * periodMs + 1;
      const value = this.#valueOf(queries, { fromMs: untilMs - periodMs, untilMs });
      if (value !== undefined) return value > alarm.Threshold;
      return alarm.TreatMissingData === 'breaching';
    });
    const over = periods.filter(Boolean).length;
    return over >= (alarm.DatapointsToAlarm ?? alarm.EvaluationPeriods) ? 'ALARM' : 'OK';
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

function queriesOf(alarm: MetricAlarm) {
  const { Metrics, Namespace = '', MetricName = '', Dimensions = [], Period = 300 } = alarm;
  const Stat = alarm.Statistic ?? alarm.ExtendedStatistic ?? 'Sum';
  const own: Query = { Id: 'own', MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period, Stat } };
  const queries = Metrics ?? [own];
  const seconds = Math.max(...queries.map(({ MetricStat }) => MetricStat?.Period ?? 0));
  return { queries, periodMs: seconds * 1000 };
}

/** CDK writes "any of": `(ALARM("arn") OR ALARM("arn"))`. @throws SyntaxError for another rule */
function rings(rule: string, ringing: ReadonlySet<string>): boolean {
  if (!/^\(?ALARM\("[^"]+"\)( OR ALARM\("[^"]+"\))*\)?$/.test(rule))
    throw new SyntaxError(`no rule that is known: ${rule}`);
  return [...rule.matchAll(/ALARM\("([^"]+)"\)/g)].some(([, arn]) => ringing.has(arn as string));
}

function described(
  arn: string,
  { AlarmName: name, AlarmDescription: description = '' }: MetricAlarm | CompositeAlarm,
  state: AlarmState,
  isComposite: boolean,
): DescribedAlarm {
  return { name, arn, description, state, isComposite };
}
