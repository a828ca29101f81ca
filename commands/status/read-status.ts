import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { MINUTE_MS } from '../../lambdas/shared/durations.ts';
import { METRICS, type MetricName } from '../../lambdas/shared/metric-definitions.ts';
import { queueName } from '../../lambdas/shared/queue-name.ts';
import { readDeployed } from '../appconfig/deployed-document.ts';
import { FLAG } from '../flag/flag-document.ts';
import { contactsOf, readSubscribed, unconfirmedContacts } from '../integration/contacts.ts';
import { readDeployedIntegrations } from '../integration/deployed-integrations.ts';
import { awsFailure, CommandFailed, whereOf } from '../shared/failures.ts';
import { latest, readPoints, sum } from '../shared/metric-points.ts';
import type { OutputName, Stage } from '../shared/stage.ts';
import { isInAlarm, readAlarms, type StageAlarm } from '../stage/alarms.ts';
import { type IntegrationStatus, readIntegrations } from './read-integrations.ts';
import { ageQuery, lastDay, lastHour, ownQuery, WAREHOUSE_METRICS } from './status-queries.ts';

/** A part of the status, or why it could not be read: one that is denied hides no other. */
export type Part<T> = T | { readonly error: string };

export interface FlagStatus {
  readonly enabled: boolean;
  readonly rollout_percentage: number;
  readonly pilots: number;
  readonly version: number;
  readonly deployment: number;
  readonly deployment_state: string;
}

/** Of the last hour. */
export interface WarehouseStatus {
  readonly queries: number;
  readonly failed: number;
  /** Not made, because a circuit breaker was open. */
  readonly skipped: number;
  /** `open`: at least one function skipped queries in the last ten minutes. Each function has its own. */
  readonly circuit_breaker: 'closed' | 'open';
}

export interface QueueStatus {
  readonly queue: string;
  readonly waiting: number;
  readonly in_flight: number;
  readonly delayed: number;
  /** As SQS published it last, within five minutes; null where it did not. */
  readonly oldest_seconds: number | null;
}

/** Null where it has not run for a day. */
export interface ReconcilerStatus {
  readonly last_run: string | null;
  readonly unbalanced: number | null;
  readonly is_balanced: boolean | null;
}

/** The cache as WarmCache's last run in the last day found it; null where it has not run, or found no complete run. */
export interface WarmingStatus {
  readonly last_run: string | null;
  /** Whether the cache lacks the table's last version. */
  readonly is_behind: boolean | null;
  /** When a run of the last day was complete. */
  readonly last_complete: string | null;
  readonly entries: number | null;
  /** When the table was changed to the version that the cache holds. */
  readonly table_changed: string | null;
  /** Rows that runs of the last day skipped. */
  readonly unreadable: number;
}

/** Addresses that receive mails about integrations, and those of them that have not confirmed. */
export interface ContactsStatus {
  readonly addresses: number;
  readonly unconfirmed: readonly string[];
}

export interface AlarmsStatus {
  readonly total: number;
  readonly in_alarm: readonly StageAlarm[];
}

export interface StageStatus {
  readonly stage: string;
  readonly read_at: string;
  readonly alarms: Part<AlarmsStatus>;
  readonly flag: Part<FlagStatus>;
  readonly warehouse: Part<WarehouseStatus>;
  readonly warming: Part<WarmingStatus>;
  readonly queues: Part<readonly QueueStatus[]>;
  readonly reconciler: Part<ReconcilerStatus>;
  readonly contacts: Part<ContactsStatus>;
  readonly integrations: Part<readonly IntegrationStatus[]>;
}

/**
 * Reads what an operator looks at first.
 *
 * @param nowMs epoch milliseconds
 * @throws what is no failure of a service
 */
export async function readStatus(stage: Stage, nowMs: number): Promise<StageStatus> {
  const part = <T>(read: () => Promise<T>) => partOf(stage, read);
  const [alarms, flag, warehouse, warming, queues, reconciler, contacts, integrations] = await Promise.all([
    part(() => readAlarmsStatus(stage)),
    part(() => readFlag(stage)),
    part(() => readWarehouse(stage, nowMs)),
    part(() => readWarming(stage, nowMs)),
    part(() => readQueues(stage, nowMs)),
    part(() => readReconciler(stage, nowMs)),
    part(() => readContacts(stage)),
    part(() => readIntegrations(stage, nowMs)),
  ]);
  return {
    stage: stage.name,
    read_at: new Date(nowMs).toISOString(),
    ...{ alarms, flag, warehouse, warming, queues, reconciler, contacts, integrations },
  };
}

/** Reads a part. A failure of the stage becomes its reason; any other error is thrown. */
export async function partOf<T>(stage: Stage, read: () => Promise<T>): Promise<Part<T>> {
  try {
    return await read();
  } catch (thrown) {
    const error = thrown instanceof CommandFailed ? thrown.message : awsFailure(thrown, whereOf(stage.name));
    if (error === undefined) throw thrown;
    return { error };
  }
}

async function readAlarmsStatus(stage: Stage): Promise<AlarmsStatus> {
  const alarms = await readAlarms(stage);
  return { total: alarms.length, in_alarm: alarms.filter(isInAlarm) };
}

async function readFlag(stage: Stage): Promise<FlagStatus> {
  const { document, version, deployment, state } = await readDeployed(FLAG, stage);
  const { enabled, rollout_percentage, pilot_enterprises } = document.flag;
  return {
    ...{ enabled, rollout_percentage, pilots: pilot_enterprises.length, version, deployment },
    deployment_state: state ?? 'unknown',
  };
}

/** A breaker that opened stays open for a minute or less, so a later skip would show in these. */
const BREAKER_WINDOW_MS = 10 * MINUTE_MS;

export async function readWarehouse(stage: Stage, nowMs: number): Promise<WarehouseStatus> {
  const queries = WAREHOUSE_METRICS.map((name, index) => ownQuery(`q${index}`, stage.name, name));
  const points = await readPoints(stage.cloudWatch, queries, lastHour(nowMs));
  const [made = 0, failed = 0, skipped = 0] = queries.map(({ Id = '' }) => sum(points(Id)));
  const recentlySkipped = points('q2').filter(({ at }) => at > nowMs - BREAKER_WINDOW_MS);
  return {
    queries: made + failed,
    ...{ failed, skipped },
    circuit_breaker: sum(recentlySkipped) > 0 ? 'open' : 'closed',
  };
}

export async function readWarming(stage: Stage, nowMs: number): Promise<WarmingStatus> {
  const query = (id: string, name: MetricName, stat: 'Sum' | 'Maximum' = 'Maximum') =>
    ownQuery(id, stage.name, name, { periodSeconds: 60, stat });
  const queries = [
    query('behind', METRICS.warmBehind),
    query('entries', METRICS.warmEntries),
    query('age', METRICS.warmAge),
    query('complete', METRICS.warmComplete, 'Sum'),
    query('unreadable', METRICS.warmUnreadable, 'Sum'),
  ];
  const points = await readPoints(stage.cloudWatch, queries, lastDay(nowMs));
  const [behind, entries, age, complete] = ['behind', 'entries', 'age', 'complete'].map((id) => latest(points(id)));
  const timeOf = (ms: number | undefined) => (ms === undefined ? null : new Date(ms).toISOString());
  return {
    last_run: timeOf(behind?.at),
    is_behind: behind === undefined ? null : behind.value > 0,
    last_complete: timeOf(complete?.at),
    entries: entries?.value ?? null,
    table_changed: timeOf(age === undefined ? undefined : age.at - age.value * 1000),
    unreadable: sum(points('unreadable')),
  };
}

const QUEUES = {
  events: 'EventsQueueUrl',
  deliveries: 'DeliveriesQueueUrl',
  'events dead-letter queue': 'EventsDeadLetterQueueUrl',
  'deliveries dead-letter queue': 'DeliveriesDeadLetterQueueUrl',
} as const satisfies Record<string, OutputName>;

const QUEUE_ATTRIBUTES = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesNotVisible',
  'ApproximateNumberOfMessagesDelayed',
] as const;

export async function readQueues(stage: Stage, nowMs: number): Promise<readonly QueueStatus[]> {
  const urls = Object.entries(QUEUES).map(([queue, output]) => ({ queue, QueueUrl: stage.output(output) }));
  const [points, ...counts] = await Promise.all([
    readPoints(
      stage.cloudWatch,
      urls.map(({ QueueUrl }, index) => ageQuery(`queue${index}`, queueName(QueueUrl))),
      lastHour(nowMs),
    ),
    ...urls.map(({ QueueUrl }) =>
      stage.sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: [...QUEUE_ATTRIBUTES] })),
    ),
  ]);
  return urls.map(({ queue }, index) => {
    const [waiting = 0, in_flight = 0, delayed = 0] = QUEUE_ATTRIBUTES.map((name) =>
      Number(counts[index]?.Attributes?.[name] ?? 0),
    );
    // Of an empty queue SQS published the age of a message that is gone.
    const age = waiting + in_flight === 0 ? undefined : latest(points(`queue${index}`));
    return { queue, waiting, in_flight, delayed, oldest_seconds: age?.value ?? null };
  });
}

export async function readReconciler(stage: Stage, nowMs: number): Promise<ReconcilerStatus> {
  // Each run counts what it found, 0 too.
  const query = ownQuery('unbalanced', stage.name, METRICS.ledgerUnbalanced, { periodSeconds: 60 });
  const run = latest((await readPoints(stage.cloudWatch, [query], lastDay(nowMs)))('unbalanced'));
  if (run === undefined) return { last_run: null, unbalanced: null, is_balanced: null };
  return { last_run: new Date(run.at).toISOString(), unbalanced: run.value, is_balanced: run.value === 0 };
}

async function readContacts(stage: Stage): Promise<ContactsStatus> {
  const wanted = contactsOf((await readDeployedIntegrations(stage)).document);
  const subscribed = wanted.size === 0 ? [] : await readSubscribed(stage);
  return { addresses: wanted.size, unconfirmed: unconfirmedContacts(wanted, subscribed) };
}
