import type {
  DecidedEnrichment,
  Delivery,
  DeliverySubject,
  Enrichment,
  Progress,
} from '../../lambdas/events/delivery.ts';
import { webhookId } from '../../lambdas/events/identity.ts';
import type { OperationalEvent, OperationalEvents } from '../../lambdas/events/operational-event.ts';
import { newDelivery } from '../../lambdas/events/progress.ts';
import { flagSchema, type VersionedFlag } from '../../lambdas/flag/flag-document.ts';
import type { IntegrationNotices } from '../../lambdas/ledger/integration-notices.ts';
import { type Integration, integrationSchema } from '../../lambdas/partners/integration.ts';
import type { IntegrationRegistry } from '../../lambdas/partners/integration-registry.ts';
import type { Log } from '../../lambdas/shared/log.ts';
import type { Counter, Dimensions, MetricName } from '../../lambdas/shared/metric-definitions.ts';
import { type LogLine, recordingLog } from './recording-log.ts';

/** The current time of tests. */
export const NOW = Date.parse('2026-01-15T12:00:00.000Z');

export const ENTERPRISE = '7d2c1b3a-0000-4000-8000-000000000001';
export const OTHER_ENTERPRISE = '7d2c1b3a-0000-4000-8000-000000000002';

/** A trace context of version 00, and its trace id. */
export const TRACE = {
  traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  id: '4bf92f3577b34da6a3ce929d0e0e4736',
} as const;

/** Data of a learner, put where it may travel, and searched for where it must not. */
export const LEARNER_DATA = ['learner@example.com', 'Sample Learner', 'sample_learner'] as const;

export const PAYLOAD = {
  user: { id: 42, username: 'sample_learner', email: 'learner@example.com', full_name: 'Sample Learner' },
  course: { course_id: 'course-v1:Org+Course+Run', title: 'A course' },
  enterprise: { enterprise_customer_uuid: ENTERPRISE },
  completion: { completed: true, percent_grade: 0.91 },
};

/** What the LMS publishes, as an object; `undefined` leaves a field out. */
export function event(overrides: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    schema_version: 1,
    event_type: 'course_completion',
    integration_id: 'acme',
    occurred_at: '2026-01-15T11:59:58Z',
    payload: PAYLOAD,
    ...overrides,
  };
}

/** What the LMS publishes, as the text of a message. */
export function eventBody(overrides: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify(event(overrides));
}

/** An event whose payload is given as JSON text, for what `JSON.stringify` would not write. */
export function eventBodyWithPayload(payloadText: string, overrides: Readonly<Record<string, unknown>> = {}): string {
  return `${eventBody({ payload: undefined, ...overrides }).slice(0, -1)},"payload":${payloadText}}`;
}

export function integration(overrides: Readonly<Record<string, unknown>> = {}): Integration {
  return integrationSchema.parse({ id: 'acme', url: 'https://partner.example/hooks', ...overrides });
}

export function registry(...integrations: readonly Integration[]): IntegrationRegistry {
  return {
    byId: new Map(integrations.map((entry) => [entry.id, entry])),
    broken: new Map(),
    paused: false,
    faults: [],
  };
}

/** An entry that cannot be used, and does not say whose it is. */
export function brokenEntry(id: string): IntegrationRegistry['broken'] {
  return new Map([[id, { reason: 'url: is missing', enterprise: undefined, region: undefined }]]);
}

export function flag(overrides: Partial<VersionedFlag> = {}): VersionedFlag {
  return { ...flagSchema.parse({ enabled: true, rollout_percentage: 100 }), config_version: 'all', ...overrides };
}

export const ENRICHED = {
  status: 'enriched',
  total_seconds: 18_540,
  last_updated: '2026-01-10T00:00:00Z',
  source: 'warehouse',
} as const satisfies DecidedEnrichment;

export const NOT_ENRICHED = { status: 'not_enriched', reason: 'no_data' } as const satisfies DecidedEnrichment;

export const PENDING = {
  status: 'pending',
  attempts: 1,
  first_failed_at: '2026-01-15T12:00:00.000Z',
} as const satisfies Enrichment;

export function subject(overrides: Partial<DeliverySubject> = {}): DeliverySubject {
  const { integration_id = 'acme', event_id = 'event-1' } = overrides;
  return {
    schema_version: 1,
    webhook_id: webhookId(integration_id, event_id),
    event_id,
    event_type: 'course_completion',
    integration_id,
    occurred_at: '2026-01-15T11:59:58Z',
    generation: 0,
    user_id: '42',
    course_id: 'course-v1:Org+Course+Run',
    enterprise_customer_uuid: ENTERPRISE,
    payload: JSON.stringify(PAYLOAD),
    ...overrides,
  };
}

/** A delivery without attempts; the third argument changes its progress. */
export function delivery(
  enrichment: Enrichment = ENRICHED,
  overrides: Partial<DeliverySubject> = {},
  progress: Partial<Progress> = {},
): Delivery {
  const fresh = newDelivery(subject(overrides), enrichment);
  return { ...fresh, progress: { ...fresh.progress, ...progress } };
}

export type FakeLog = Log & {
  readonly lines: readonly LogLine[];
  /** The messages in order, without their fields. */
  messages(): string[];
  /** The fields of the only line with this message. */
  only(message: string): Readonly<Record<string, unknown>>;
  /** Everything that was logged, as one text to search. */
  text(): string;
};

export function fakeLog(): FakeLog {
  const log = recordingLog();
  return {
    ...log,
    messages: () => log.lines.map(({ message }) => message),
    only(message) {
      const found = log.lines.filter((line) => line.message === message);
      if (found.length !== 1) throw new Error(`${found.length} lines say ${message}`);
      return found[0]?.fields ?? {};
    },
    text: () => JSON.stringify(log.lines),
  };
}

export type FakeCounter = Counter & {
  /** Those without dimensions. */
  readonly counts: Readonly<Partial<Record<MetricName, number>>>;
  readonly counted: readonly (readonly [MetricName, Dimensions])[];
  readonly measured: readonly (readonly [MetricName, number])[];
};

export function fakeCounter(): FakeCounter {
  const counts: Partial<Record<MetricName, number>> = {};
  const counted: [MetricName, Dimensions][] = [];
  const measured: [MetricName, number][] = [];
  return {
    counts,
    counted,
    measured,
    count(name: MetricName, value = 1, dimensions?: Dimensions) {
      if (dimensions !== undefined) counted.push([name, dimensions]);
      else counts[name] = (counts[name] ?? 0) + value;
    },
    measure(name, milliseconds) {
      measured.push([name, milliseconds]);
    },
  };
}

/** A bus that takes every operational event. */
export function fakeEvents() {
  const sent: OperationalEvent[] = [];
  const events: OperationalEvents & { readonly sent: readonly OperationalEvent[] } = {
    sent,
    async put(event) {
      sent.push(event);
      return true;
    },
  };
  return events;
}

export type FakeNotices = IntegrationNotices & { readonly announced: readonly string[] };

/** Notices of integrations, recorded: `acme parked endpoint_gone`. */
export function fakeNotices(): FakeNotices {
  const announced: string[] = [];
  return {
    announced,
    parked: async (id, reason) => void announced.push(`${id} parked ${reason}`),
    resumed: async (id, reason) => void announced.push(`${id} resumed ${reason}`),
    repeat: async ({ integration_id, state }) => void announced.push(`${integration_id} ${state} again`),
    certificateExpiring: async (id, expiresAtMs) => void announced.push(`${id} expires ${expiresAtMs}`),
  };
}

/** An error as the AWS SDK throws it. */
export function serviceError(name: string, message = 'the service says no'): Error {
  return Object.assign(new Error(message), { name, $fault: 'client', $metadata: { httpStatusCode: 400 } });
}
