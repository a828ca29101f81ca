import { formatNumber } from '../../commands/shared/format.ts';
import { shortTime } from '../../commands/shared/short-time.ts';
import type { LedgerRecord } from '../../lambdas/ledger/record.ts';

export type EntryType = 'success' | 'error' | 'warning' | 'info' | 'pending';

/** One entry of a delivery's timeline. */
export interface TimelineEntry {
  /** ISO 8601, UTC. Absent if the ledger does not have the time. */
  readonly at?: string;
  readonly type: EntryType;
  /** `Attempt: HTTP 503` */
  readonly title: string;
  /** From outside in part: a reason, an error. */
  readonly details: readonly string[];
  /** For an attempt: how long each phase took, in ms, in order. */
  readonly phases?: readonly Phase[];
}

export interface Phase {
  readonly name: string;
  readonly ms: number;
}

/** As the logs have them: see `commands/ledger/attempt-phases.ts`. */
export interface AttemptTimings {
  readonly at: string;
  readonly phases: {
    readonly dnsMs?: number | undefined;
    readonly connectMs?: number | undefined;
    readonly tlsMs?: number | undefined;
    readonly firstByteMs?: number | undefined;
    readonly totalMs: number;
  };
}

/** What a timeline is made of. */
export interface TimelineSource {
  /** Absent before the first claim. */
  readonly record?: LedgerRecord | undefined;
  readonly acceptedAt: string;
  readonly occurredAt: string;
  /** `120 s (2 min) by 2026-01-14, from the cache` */
  readonly learningTime: string;
  readonly cause?: string | undefined;
}

/**
 * What happened to a delivery, oldest first. The ledger has the latest attempts, and for each state when it was entered
 * last.
 */
export function timelineOf(source: TimelineSource, timings: readonly AttemptTimings[]): readonly TimelineEntry[] {
  const { record, acceptedAt, occurredAt } = source;
  const entries: TimelineEntry[] = [
    { at: occurredAt, type: 'info', title: 'The event occurred', details: [] },
    { at: acceptedAt, type: 'info', title: 'Accepted from the events queue', details: [] },
    ...enrichmentEntries(source),
    ...attemptEntries(record, timings),
    ...stateEntries(source),
  ];
  // Entries of the same time keep this order.
  return entries.toSorted((one, other) => timeOf(one, acceptedAt) - timeOf(other, acceptedAt));
}

/** An entry without a time comes after the acceptance. */
function timeOf({ at }: TimelineEntry, acceptedAt: string): number {
  return Date.parse(at ?? acceptedAt);
}

function enrichmentEntries({ record, learningTime }: TimelineSource): readonly TimelineEntry[] {
  const enrichment = record?.enrichment;
  switch (enrichment?.status) {
    case undefined:
      return [];
    case 'pending':
      return [
        {
          at: enrichment.first_failed_at,
          type: 'warning',
          title: 'Reading the learning time failed',
          details: [`${enrichment.attempts} attempts have failed; it is tried again`],
        },
      ];
    case 'enriched':
      return [{ type: 'success', title: `Learning time from the ${enrichment.source}`, details: [learningTime] }];
    case 'not_enriched': {
      const hasFailed = enrichment.reason === 'warehouse_unavailable';
      const title = hasFailed ? 'Learning time could not be read' : 'No learning time is added';
      return [{ type: hasFailed ? 'error' : 'info', title, details: [learningTime] }];
    }
  }
}

function attemptEntries(
  record: LedgerRecord | undefined,
  timings: readonly AttemptTimings[],
): readonly TimelineEntry[] {
  return (record?.attempts ?? []).map(({ at, status, duration_ms, error, content_type, body_bytes }) => {
    const own = timings.find((one) => one.at === at);
    return {
      at,
      type: error === undefined ? 'success' : 'error',
      title: `Attempt: ${status === undefined ? 'no response' : `HTTP ${status}`}, ${formatNumber(duration_ms)} ms`,
      details: [
        ...(error === undefined ? [] : [error]),
        ...(body_bytes === undefined ? [] : [`a body of ${formatNumber(body_bytes)} bytes`]),
        ...(content_type === undefined ? [] : [content_type]),
      ],
      ...(own !== undefined && { phases: phasesOf(own) }),
    };
  });
}

/** The phases of an attempt, one after the other. */
function phasesOf({ phases: { dnsMs, connectMs, tlsMs, firstByteMs, totalMs } }: AttemptTimings): readonly Phase[] {
  const connecting = (dnsMs ?? 0) + (connectMs ?? 0) + (tlsMs ?? 0);
  const all = [
    ['DNS', dnsMs],
    ['connect', connectMs],
    ['TLS', tlsMs],
    ['first byte', firstByteMs === undefined ? undefined : Math.max(0, firstByteMs - connecting)],
    ['rest', firstByteMs === undefined ? undefined : Math.max(0, totalMs - firstByteMs)],
    ['total', totalMs],
  ] as const;
  return all.flatMap(([name, ms]) => (ms === undefined ? [] : [{ name, ms: Math.round(ms * 10) / 10 }]));
}

const STATES = {
  delivering: ['pending', 'A function began to send it'],
  scheduled: ['pending', 'Scheduled'],
  parked: ['warning', 'Parked'],
  delivered: ['success', 'Delivered'],
  dead: ['error', 'Dead-lettered'],
  filtered: ['info', 'Filtered: its integration does not subscribe to it'],
  cancelled: ['info', 'Cancelled'],
} as const satisfies Readonly<Partial<Record<LedgerRecord['state'], readonly [EntryType, string]>>>;

function stateEntries({ record, cause, acceptedAt }: TimelineSource): readonly TimelineEntry[] {
  if (record === undefined) return [];
  const { state, times, reason, due_at, generation } = record;
  const resent =
    times.accepted !== undefined && times.accepted > acceptedAt
      ? [{ at: times.accepted, type: 'info', title: 'Sent again', details: [`generation ${generation}`] } as const]
      : [];
  const others = Object.entries(STATES).flatMap(([name, [type, title]]): readonly TimelineEntry[] => {
    const at = times[name as keyof typeof STATES];
    if (at === undefined) return [];
    const isCurrent = state === name;
    const details = isCurrent ? [reason, cause, due_at && `due ${shortTime(due_at)}`] : [];
    return [
      {
        at,
        type,
        title: name === 'cancelled' && isCurrent && isSuperseded(reason) ? 'Superseded by a later event' : title,
        details: details.flatMap((one) => (one === undefined || one === '' ? [] : [one])),
      },
    ];
  });
  return [...resent, ...others];
}

function isSuperseded(reason: string | undefined): boolean {
  return reason?.startsWith('superseded by ') === true;
}
