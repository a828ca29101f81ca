import type { SendWebhookServices } from '../../lambdas/delivery/send-webhook.ts';
import type { Limiter, LimiterReport, LimiterResponse } from '../../lambdas/limiter/limiter.ts';
import type { IntegrationSecret } from '../../lambdas/partners/integration-secret.ts';
import type { TokenSource } from '../../lambdas/partners/oauth-tokens.ts';
import { type RetryAfterReader, retryAfterMs } from '../../lambdas/partners/retry-after.ts';
import type { SendResult, WebhookRequest } from '../../lambdas/partners/webhook-sender.ts';
import { SecretUnavailable } from '../../lambdas/shared/errors.ts';
import type { SecretSource } from '../../lambdas/shared/secret-source.ts';
import { type FakeNotices, fakeNotices, NOW } from './factories.ts';

/** The signing secret of a partner in tests. */
export const SIGNING_SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
export const OLDER_SIGNING_SECRET = `whsec_${Buffer.alloc(24, 9).toString('base64')}`;

export function secret(overrides: Partial<IntegrationSecret> = {}): IntegrationSecret {
  return { signing_secrets: [SIGNING_SECRET], ...overrides };
}

/** A source with one value, or another one after a refresh. */
export function secretSource(value: IntegrationSecret, refreshed: IntegrationSecret | Error = value) {
  const calls: ('read' | 'refetch')[] = [];
  const source: SecretSource<IntegrationSecret> & { readonly calls: readonly string[] } = {
    calls,
    async read() {
      calls.push('read');
      return value;
    },
    async refetch() {
      calls.push('refetch');
      if (refreshed instanceof Error) throw refreshed;
      return refreshed;
    },
  };
  return source;
}

export const SECRETS_DOWN = new SecretUnavailable('secret /test/integrations/acme cannot be read');

/** A source that cannot be read. */
export function brokenSource(thrown: Error): SecretSource<IntegrationSecret> {
  return { read: () => Promise.reject(thrown), refetch: () => Promise.reject(thrown) };
}

export const responded = (status: number, more: object = {}): SendResult => ({ kind: 'responded', status, ...more });
export const failed = (code: string): SendResult => ({ kind: 'failed', code });

/** A token source that must not be used. */
export const NO_TOKENS: TokenSource = {
  token: () => Promise.reject(new Error('unexpected request for a token')),
  drop: () => {},
};

export type SentRequests = WebhookRequest[];

/** The services of a partner that responds with each of `results` once, and then always with the last one. */
export function sendingServices(
  results: readonly SendResult[],
  overrides: Partial<SendWebhookServices> = {},
): SendWebhookServices & {
  readonly requests: SentRequests;
  readonly retryAfterMs: RetryAfterReader;
  readonly notices: FakeNotices;
} {
  const requests: SentRequests = [];
  return {
    requests,
    notices: fakeNotices(),
    sender: {
      async send(request) {
        requests.push(request);
        return results[Math.min(requests.length, results.length) - 1] as SendResult;
      },
    },
    tokens: NO_TOKENS,
    secretOf: () => secretSource(secret()),
    retryAfterMs: (_integrationId, header, nowMs) => retryAfterMs(header, nowMs),
    now: () => NOW,
    ...overrides,
  };
}

/** A limiter that allows everything, and records its reports. */
export function openLimiter(overrides: Partial<Limiter> = {}) {
  const reports: LimiterReport[] = [];
  const limiter: Limiter & { readonly reports: readonly LimiterReport[] } = {
    reports,
    async acquire(_integration, requests) {
      return { decisions: requests.map(() => ({ verdict: 'allow' })), isSlow: false, wantsReport: false };
    },
    async report(_integration, report) {
      reports.push(report);
      return undefined;
    },
    async reportSlow() {},
    ...overrides,
  };
  return limiter;
}

/** A limiter whose response is given. */
export function limiterReturning(response: Partial<LimiterResponse>) {
  return openLimiter({
    acquire: async () => ({ decisions: [{ verdict: 'allow' }], isSlow: false, wantsReport: false, ...response }),
  });
}
