import type { SendTestReport } from '../../lambdas/delivery/send-test-contract.ts';

/** What `./ltw send-test --json` prints. */
export interface TestReport extends SendTestReport {
  /** Sentences: what the outcome means, and what to do. */
  readonly explanation: readonly string[];
}

/** @returns undefined if the command ended before it had a report */
export function parseTestReport(output: string): TestReport | undefined {
  const line = output.split('\n').find((one) => one.startsWith('{'));
  if (line === undefined) return undefined;
  try {
    // The command has checked it against a schema.
    return JSON.parse(line) as TestReport;
  } catch {
    return undefined;
  }
}

/** A phase of the request. Times are in milliseconds. */
export interface Phase {
  readonly name: string;
  /** After the request's start. */
  readonly fromMs: number;
  /** Undefined if the phase was not reached, or not needed. */
  readonly durationMs: number | undefined;
}

/**
 * The phases one after the other, and the total. DNS, connect and TLS are durations; the first byte and the total are
 * measured from the start.
 */
export function phasesOf({
  dnsMs,
  connectMs,
  tlsMs,
  firstByteMs,
  totalMs,
}: NonNullable<SendTestReport['timings']>): Phase[] {
  const connectedMs = (dnsMs ?? 0) + (connectMs ?? 0) + (tlsMs ?? 0);
  const waitMs = firstByteMs === undefined ? undefined : Math.max(0, firstByteMs - connectedMs);
  return [
    { name: 'DNS', fromMs: 0, durationMs: dnsMs },
    { name: 'connect', fromMs: dnsMs ?? 0, durationMs: connectMs },
    { name: 'TLS', fromMs: (dnsMs ?? 0) + (connectMs ?? 0), durationMs: tlsMs },
    { name: 'request to first byte', fromMs: connectedMs, durationMs: waitMs },
    {
      name: 'rest of the response',
      fromMs: firstByteMs ?? connectedMs,
      durationMs: firstByteMs === undefined ? undefined : Math.max(0, totalMs - firstByteMs),
    },
    { name: 'total', fromMs: 0, durationMs: totalMs },
  ];
}

/** The verdict in a word or two, and whether it is good. */
export const VERDICTS: Readonly<
  Record<TestReport['verdict'], { readonly type: 'success' | 'error' | 'warning'; readonly text: string }>
> = {
  delivered: { type: 'success', text: 'Delivered' },
  retry: { type: 'warning', text: 'Not delivered, and would be retried' },
  gone: { type: 'error', text: 'Not delivered: the endpoint is gone' },
  dead: { type: 'error', text: 'Not delivered, and would be dead-lettered' },
  unsent: { type: 'error', text: 'Not sent' },
};
