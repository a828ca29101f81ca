import { DAY_MS } from '../shared/durations.ts';

/** A certificate that expires within this time should be replaced, in days. */
export const EXPIRY_WARNING_DAYS = 30;

/** The dates of a client certificate; see `client-certificate.ts`. */
export interface ValidityPeriod {
  readonly validFromMs: number;
  readonly expiresAtMs: number;
}

export interface Validity {
  readonly state: 'valid' | 'expiring' | 'expired' | 'not_yet_valid';
  /** Days until it expires, with decimals; negative since then. */
  readonly daysLeft: number;
}

/** `expiring`: it expires within `EXPIRY_WARNING_DAYS` days. */
export function validityOf({ validFromMs, expiresAtMs }: ValidityPeriod, nowMs: number): Validity {
  const daysLeft = (expiresAtMs - nowMs) / DAY_MS;
  if (daysLeft <= 0) return { state: 'expired', daysLeft };
  if (nowMs < validFromMs) return { state: 'not_yet_valid', daysLeft };
  return { state: daysLeft <= EXPIRY_WARNING_DAYS ? 'expiring' : 'valid', daysLeft };
}

/**
 * Describes dates that need an operator.
 *
 * @param name its key in the secret, such as `client_certificate`
 * @returns continues "the secret has"; undefined if it is valid for longer
 */
export function describeValidity(period: ValidityPeriod, name: string, nowMs: number): string | undefined {
  const { state, daysLeft } = validityOf(period, nowMs);
  if (state === 'valid') return undefined;
  if (state === 'not_yet_valid') return `a ${name} that is valid from ${dateOf(period.validFromMs)} on`;
  const on = dateOf(period.expiresAtMs);
  if (state === 'expired') return `a ${name} that expired on ${on}`;
  const days = Math.floor(daysLeft);
  return `a ${name} that expires on ${on}, in ${days === 1 ? '1 day' : `${days} days`}`;
}

/** In UTC. */
function dateOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}
