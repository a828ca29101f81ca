import type { ResultOf } from '../../commands/console/operation.ts';
import type { Operations } from '../../commands/console/operations.ts';
import type { SecretState } from '../../commands/integration/secret-state.ts';
import { counted, formatNumber } from '../../commands/shared/format.ts';
import type { IntegrationState, IntegrationStatus } from '../../commands/status/read-integrations.ts';

export type ListedIntegration = ResultOf<Operations['integrations']>['integrations'][number];

/** One line of the table. What could not be read is undefined. */
export interface IntegrationRow {
  readonly id: string;
  /** Of the registry where the ledger is not read. */
  readonly state: IntegrationState;
  /** Its deliveries are being read for the first time: an active integration may turn out to be failing. */
  readonly isReading: boolean;
  readonly host: string | undefined;
  readonly auth: string | undefined;
  readonly status: IntegrationStatus | undefined;
  readonly secret: SecretState | undefined;
}

/**
 * Joins what three calls have read, in the registry's order. Entries without an id, which are faulty, have none.
 *
 * @param isReading whether the statuses are being read
 */
export function integrationRows(
  listed: readonly ListedIntegration[],
  statuses: readonly IntegrationStatus[],
  secrets: readonly SecretState[],
  isReading: boolean,
): IntegrationRow[] {
  const statusOf = new Map(statuses.map((one) => [one.id, one]));
  const secretOf = new Map(secrets.map((one) => [one.id, one]));
  return listed.map((one) => {
    const id = typeof one.id === 'string' ? one.id : '';
    const status = statusOf.get(id);
    const entry = 'host' in one ? { host: one.host, auth: one.auth } : { host: undefined, auth: undefined };
    const reading = { isReading: isReading && status === undefined };
    return { id, state: status?.state ?? one.state, ...reading, ...entry, status, secret: secretOf.get(id) };
  });
}

/** The rows whose id, host, state, authorization or last response contains a text, whatever its case. */
export function matchingRows(rows: readonly IntegrationRow[], text: string): readonly IntegrationRow[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === '') return rows;
  return rows.filter(({ id, state, host = '', auth = '', status }) =>
    [id, stateText(state), host, auth, status?.last_response ?? ''].some((each) => each.toLowerCase().includes(wanted)),
  );
}

const STATES: Readonly<
  Record<IntegrationState, { readonly type: 'success' | 'stopped' | 'error' | 'warning'; readonly text: string }>
> = {
  active: { type: 'success', text: 'active' },
  paused: { type: 'stopped', text: 'paused' },
  off: { type: 'stopped', text: 'off' },
  faulty: { type: 'error', text: 'faulty entry' },
  failing: { type: 'error', text: 'parked: failing' },
  gone: { type: 'error', text: 'parked: gone' },
  certificate_expired: { type: 'error', text: 'parked: its certificate has expired' },
  certificate_incomplete: { type: 'error', text: 'parked: its certificate is incomplete' },
};

export function stateText(state: IntegrationState): string {
  return STATES[state].text;
}

export function stateIndicator(state: IntegrationState) {
  return STATES[state];
}

/** The state of a row. What the registry alone calls active is not known to work before its deliveries are read. */
export function rowIndicator({ state, status, isReading }: IntegrationRow) {
  if (state !== 'active' || status !== undefined) return stateIndicator(state);
  if (isReading) return { type: 'loading', text: 'reading' } as const;
  return { type: 'pending', text: 'active; deliveries not read' } as const;
}

/** `today`, `1 day`, `12 days` */
export function ageText(days: number): string {
  if (days < 1) return 'today';
  return days === 1 ? '1 day' : `${formatNumber(days)} days`;
}

/** `99.5 % of 1,234 attempts`; `-` if it is not known. @param rate 0 to 1 */
export function attemptsText(rate: number | null, attempts: number | null): string {
  if (attempts === null) return '-';
  if (rate === null) return 'no attempts';
  return `${Math.round(rate * 1000) / 10} % of ${counted(attempts, 'attempt')}`;
}

/** A time without its milliseconds, as the CLI prints it; empty where there is none. @param before precedes a time */
export function timeText(iso: string | null | undefined, before = ''): string {
  return iso === null || iso === undefined ? '' : `${before}${iso.slice(0, 19)}Z`;
}
