import type { ArchitectureNumbers } from '../../commands/console/operations/architecture.ts';
import { counted, formatNumber } from '../../commands/shared/format.ts';
import type { EdgeId, NodeId } from '../../docs/architecture-diagram.ts';

/** What stands for a number that could not be read. */
export const UNKNOWN = '-';

const MINUTES_PER_HOUR = 60;

type Known<T> = Exclude<T, { readonly error: string }>;

/**
 * The number that an arrow shows: of the last hour, and for queues the current one. `-` where it could not be read. An arrow
 * without one has no measure.
 */
export function edgeNumbers(numbers: ArchitectureNumbers): Readonly<Partial<Record<EdgeId, string>>> {
  const { counts, warehouse, warming, reconciler } = numbers;
  const count = (format: (known: Known<typeof counts>) => string) => text(counts, format);
  return {
    published: count(({ eventsSent }) => `${formatNumber(eventsSent)} (${perMinute(eventsSent)} a minute)`),
    eventsWaiting: waiting(numbers, 'events'),
    malformed: count(({ rejected }) => formatNumber(rejected)),
    enriched: count(({ deliveriesSent }) => formatNumber(deliveriesSent)),
    enrichedLater: count(({ queryRetries }) => `${formatNumber(queryRetries)} for the warehouse`),
    deliveriesWaiting: waiting(numbers, 'deliveries'),
    sent: count(attempts),
    retried: count(({ retried, parked }) => `${formatNumber(retried)} retried, ${formatNumber(parked)} parked`),
    dead: count(({ dead }) => formatNumber(dead)),
    executions: count(({ executionsStarted }) => `${formatNumber(executionsStarted)} started`),
    executionFailed: count(({ executionsFailed }) => formatNumber(executionsFailed)),
    rescued: count(({ rescued }) => formatNumber(rescued)),
    queries: text(warehouse, ({ queries, failed }) =>
      failed === 0
        ? counted(queries, 'query', 'queries')
        : `${formatNumber(failed)} of ${formatNumber(queries)} failed`,
    ),
    cacheReads: count(({ cacheHits, cacheMisses }) => hitRate(cacheHits, cacheMisses)),
    cacheLoads: text(warming, ({ entries }) => (entries === null ? 'no run' : counted(entries, 'entry', 'entries'))),
    limiter: count(({ deferred }) => `${formatNumber(deferred)} deferred`),
    reconciled: text(reconciler, ({ unbalanced }) =>
      unbalanced === null ? 'no run' : `${formatNumber(unbalanced)} found`,
    ),
    resent: count(({ resent }) => formatNumber(resent)),
  };
}

/** What a part shows below its name: how many messages are in a dead-letter queue. */
export function nodeNumbers(numbers: ArchitectureNumbers): Readonly<Partial<Record<NodeId, string>>> {
  return {
    edlq: messages(numbers, 'events dead-letter queue'),
    ddlq: messages(numbers, 'deliveries dead-letter queue'),
  };
}

/** Why numbers are missing, each reason once. */
export function errorsOf(numbers: ArchitectureNumbers): readonly string[] {
  const { counts, queues, warehouse, warming, reconciler } = numbers;
  const parts = [counts, queues, warehouse, warming, reconciler];
  return [...new Set(parts.flatMap((part) => ('error' in part ? [part.error] : [])))];
}

function text<T extends object>(part: T, format: (known: Known<T>) => string): string {
  return 'error' in part ? UNKNOWN : format(part as Known<T>);
}

function attempts({ succeeded, failed }: Known<ArchitectureNumbers['counts']>): string {
  const made = succeeded + failed;
  return made === 0 ? 'no attempts' : `${counted(made, 'attempt')}, ${percent(succeeded / made)}`;
}

function hitRate(hits: number, misses: number): string {
  return hits + misses === 0 ? 'no look-ups' : `${percent(hits / (hits + misses))} hits`;
}

function waiting({ queues }: ArchitectureNumbers, name: string): string {
  return text(queues, (known) => {
    const found = known.find(({ queue }) => queue === name);
    return found === undefined ? UNKNOWN : `${formatNumber(found.waiting + found.delayed)} waiting`;
  });
}

function messages({ queues }: ArchitectureNumbers, name: string): string {
  return text(queues, (known) => {
    const found = known.find(({ queue }) => queue === name);
    return found === undefined ? UNKNOWN : counted(found.waiting + found.in_flight + found.delayed, 'message');
  });
}

function perMinute(inAnHour: number): string {
  return formatNumber(Math.round((inAnHour / MINUTES_PER_HOUR) * 10) / 10);
}

/** `97.5 %`, as `./ltw status` rounds it. */
function percent(share: number): string {
  return `${Math.round(share * 1000) / 10} %`;
}
