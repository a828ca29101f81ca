import type { ListedDelivery } from '../../lambdas/ledger/ports.ts';
import type { IntegrationRegistry } from '../../lambdas/partners/integration-registry.ts';
import { LedgerUnavailable, type SecretUnavailable } from '../../lambdas/shared/errors.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import type { MetricQuery } from '../../lambdas/shared/metric-reader.ts';
import { handleOperationsRequest, type OperationsRequest } from '../../lambdas/status/operations-api.ts';
import { createGaugeReader } from '../../lambdas/status/read-gauges.ts';
import { createHealthReader } from '../../lambdas/status/read-health.ts';
import { fakeLog, integration, NOW, registry } from '../support/factories.ts';

export const TOKEN = 'a-token-of-32-characters-and-more';

/** Attempts by integration, or by kind: successes and failures. */
export type Attempts = Readonly<Record<string, readonly [successes: number, failures: number]>>;

export interface OperationsWorldOptions {
  /** Undefined if they were never read. */
  readonly registry?: IntegrationRegistry | undefined;
  readonly attempts?: Attempts;
  /** Kinds that are absent have no attempts. */
  readonly kinds?: Attempts;
  /** Failed webhooks, by integration. */
  readonly failures?: Readonly<Record<string, readonly ListedDelivery[]>>;
}

/** The sources of the handler's services, which tests may break, and the calls made to them. */
export function operationsWorld(options: OperationsWorldOptions = {}) {
  const { attempts = { acme: [145, 5], globex: [10, 0] }, kinds = {}, failures = {} } = options;
  const ids = Object.keys(attempts);
  const state = {
    registry: 'registry' in options ? options.registry : registry(...ids.map((id) => integration({ id }))),
    isCloudWatchDown: false,
    isLedgerDown: false,
    /** Integrations and kinds without data in CloudWatch. */
    withoutData: new Set<string>(),
    token: TOKEN,
    tokenFault: undefined as SecretUnavailable | undefined,
    nowMs: NOW,
  };
  const asked = { metrics: [] as (readonly MetricQuery[])[], failures: [] as string[], refetches: 0 };
  const log = fakeLog();

  const valueFor = ({ name, dimensions }: MetricQuery): number | undefined => {
    const { integration: id, kind } = dimensions;
    const of = id ?? kind;
    if (of === undefined) return 1;
    if (state.withoutData.has(of)) return undefined;
    const isSuccess = name === METRICS.deliverySuccess || name === METRICS.kindSuccess;
    return (kind === undefined ? attempts : kinds)[of]?.[isSuccess ? 0 : 1] ?? 0;
  };
  const shared = {
    integrations: { read: async () => state.registry },
    metrics: {
      async read(queries: readonly MetricQuery[]) {
        asked.metrics.push(queries);
        const values = queries.map((query) => [query.key, valueFor(query)] as const);
        const known = values.filter((entry): entry is readonly [string, number] => entry[1] !== undefined);
        return new Map(state.isCloudWatchDown ? [] : known);
      },
    },
    namespace: 'LearningTimeWebhooks/test',
    log,
    now: () => state.nowMs,
  };
  let cached: string | undefined;
  const fetchToken = async () => {
    if (state.tokenFault !== undefined) throw state.tokenFault;
    cached = state.token;
    return { token: cached };
  };
  const services = {
    health: createHealthReader({
      ...shared,
      async failures(integrationId) {
        asked.failures.push(integrationId);
        if (state.isLedgerDown) throw new LedgerUnavailable('the table does not respond');
        return failures[integrationId] ?? [];
      },
    }),
    gauges: createGaugeReader({
      ...shared,
      async timers() {
        if (state.isLedgerDown) throw new LedgerUnavailable('the table does not respond');
        return { waiting: 12, overdue: 1 };
      },
      queues: { events: 'e', deliveries: 'd', events_dead_letters: 'ed', deliveries_dead_letters: 'dd' },
    }),
    token: {
      read: async () => (cached === undefined ? fetchToken() : { token: cached }),
      async refetch() {
        asked.refetches += 1;
        return fetchToken();
      },
    },
    log,
  };
  const ask = (request: Partial<OperationsRequest>) =>
    handleOperationsRequest({ routeKey: '', rawQueryString: '', headers: {}, ...request }, services);
  return { state, asked, log, ask };
}

export function failed(
  reason: string,
  changedAt: string,
  state: ListedDelivery['state'] = 'scheduled',
): ListedDelivery {
  const subject = { webhook_id: 'wh_1', integration_id: 'acme', event_type: 'course_completion' };
  return { ...subject, accepted_at: changedAt, generation: 0, attempt: 1, state, changed_at: changedAt, reason };
}
