import { counted, formatDuration, formatNumber } from '../../commands/shared/format.ts';
import type { Charts } from '../../commands/status/read-charts.ts';
import type { Part, QueueStatus, StageStatus } from '../../commands/status/read-status.ts';

/** One number at the top of the overview. */
export interface KeyNumber {
  readonly label: string;
  /** Undefined: not read yet. `not known`: it could not be read. */
  readonly value: string | undefined;
  /** A line below it. */
  readonly detail: string;
  /** Where the details are. */
  readonly href: string;
  readonly tone: 'normal' | 'good' | 'bad';
}

const NOT_KNOWN = 'not known';
const NO_VALUE = '-';

/** Success rates under these have an alarm, in percent: `failed-attempts-warning` and `failed-attempts`. */
export const SUCCESS_THRESHOLDS = { warning: 90, critical: 80 } as const;

/** What was read; an error where it could not be. */
export interface Read<T> {
  readonly result: T | undefined;
  readonly error: string | undefined;
}

/** The numbers of the overview, in their order. */
export function keyNumbers(status: Read<StageStatus>, charts: Read<Charts>): readonly KeyNumber[] {
  const span = charts.result?.span ?? 'hour';
  const inSpan = `in the last ${span}`;
  const total = (text: (totals: Charts['totals']) => string) => textOf(charts, ({ totals }) => text(totals));
  const part = <T>(name: PartName, text: (known: T) => string) =>
    textOf(status, (read) => partText(read[name] as Part<T>, text));
  const rate = charts.result?.totals.successRate ?? null;
  const deadLetters = (queues: readonly QueueStatus[]) => waitingIn(queues.filter(isDeadLetterQueue));
  return [
    alarmsNumber(status),
    {
      ...{ label: 'Events in', detail: inSpan, href: '/deliveries', tone: 'normal' },
      value: total(({ events }) => formatNumber(events)),
    },
    {
      ...{ label: 'Deliveries out', detail: inSpan, href: '/deliveries?state=delivered', tone: 'normal' },
      value: total(({ delivered }) => formatNumber(delivered)),
    },
    {
      ...{ label: 'Success rate', href: '/integrations' },
      value: total(({ successRate }) => percent(successRate)),
      detail: charts.result === undefined ? inSpan : `${counted(charts.result.totals.failed, 'failed attempt')}`,
      tone: rate !== null && rate * 100 < SUCCESS_THRESHOLDS.warning ? 'bad' : 'normal',
    },
    {
      ...{ label: 'p95 latency', detail: 'event to 2xx response', href: '/deliveries?state=delivered', tone: 'normal' },
      value: total(({ p95Ms }) => (p95Ms === null ? NO_VALUE : formatMs(p95Ms))),
    },
    {
      ...{ label: 'Waiting in queues', href: '/architecture', tone: 'normal' },
      value: part('queues', (queues: readonly QueueStatus[]) =>
        waitingIn(queues.filter((one) => !isDeadLetterQueue(one))),
      ),
      detail: oldestText(status.result?.queues),
    },
    {
      ...{ label: 'Parked', detail: inSpan, href: '/deliveries?state=parked', tone: 'normal' },
      value: total(({ parked }) => formatNumber(parked)),
    },
    {
      ...{ label: 'Dead letters', detail: 'messages in both queues', href: '/dead-letters' },
      value: part('queues', deadLetters),
      tone: hasDeadLetters(status.result?.queues) ? 'bad' : 'normal',
    },
    {
      ...{ label: 'Flag', href: '/rollout', tone: 'normal' },
      value: part('flag', ({ enabled, rollout_percentage }: FlagParts) =>
        enabled ? `on, ${rollout_percentage} %` : 'off',
      ),
      detail: flagDetail(status.result?.flag),
    },
    {
      ...{ label: 'Active integrations', href: '/integrations', tone: 'normal' },
      value: part('integrations', (all: Integrations) => `${formatNumber(active(all))} of ${formatNumber(all.length)}`),
      detail: 'the others: see their state',
    },
  ];
}

type PartName = 'queues' | 'flag' | 'integrations';
type FlagParts = Exclude<StageStatus['flag'], { readonly error: string }>;
type Integrations = Exclude<StageStatus['integrations'], { readonly error: string }>;

function alarmsNumber({ result, error }: Read<StageStatus>): KeyNumber {
  const base = { label: 'Alarms', href: '#alarms' } as const;
  const alarms = result?.alarms;
  if (alarms === undefined) return { ...base, value: error && NOT_KNOWN, detail: '', tone: 'normal' };
  if ('error' in alarms) return { ...base, value: NOT_KNOWN, detail: '', tone: 'bad' };
  const { in_alarm, total } = alarms;
  const tone = in_alarm.length === 0 ? 'good' : 'bad';
  return { ...base, value: formatNumber(in_alarm.length), detail: `of ${formatNumber(total)} in ALARM`, tone };
}

function textOf<T>({ result, error }: Read<T>, text: (known: T) => string): string | undefined {
  return result === undefined ? error && NOT_KNOWN : text(result);
}

function partText<T>(part: Part<T>, text: (known: T) => string): string {
  return isKnown(part) ? text(part) : NOT_KNOWN;
}

/** Whether a part of the status could be read. */
export function isKnown<T>(part: Part<T> | undefined): part is T {
  return part !== undefined && !(typeof part === 'object' && part !== null && 'error' in part);
}

function isDeadLetterQueue({ queue }: QueueStatus): boolean {
  return queue.endsWith('dead-letter queue');
}

function waitingIn(queues: readonly QueueStatus[]): string {
  return formatNumber(queues.reduce((sum, { waiting }) => sum + waiting, 0));
}

function hasDeadLetters(queues: StageStatus['queues'] | undefined): boolean {
  return isKnown(queues) && queues.some((one) => isDeadLetterQueue(one) && one.waiting > 0);
}

function oldestText(queues: StageStatus['queues'] | undefined): string {
  if (!isKnown(queues)) return '';
  const ages = queues.flatMap((one) => (isDeadLetterQueue(one) ? [] : (one.oldest_seconds ?? [])));
  return ages.length === 0 ? 'no message is old' : `oldest: ${formatDuration(Math.max(...ages) * 1000)}`;
}

function flagDetail(flag: StageStatus['flag'] | undefined): string {
  return isKnown(flag) ? `${counted(flag.pilots, 'pilot')}, version ${flag.version}` : '';
}

function active(integrations: Integrations): number {
  return integrations.filter(({ state }) => state === 'active').length;
}

/** `97.5 %`. @param rate 0 to 1 */
export function percent(rate: number | null): string {
  return rate === null ? NO_VALUE : `${Math.round(rate * 1000) / 10} %`;
}

/** `85 ms`, `2.4 s`, `5 min` */
export function formatMs(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : formatDuration(ms);
}
