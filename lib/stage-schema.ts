import * as z from 'zod';
import { MAX_EXECUTION_DAYS } from '../lambdas/events/delivery.ts';
import { ENTERPRISE_ID_FORMS, IDENTIFIER, TABLE_IDENTIFIER } from '../lambdas/shared/environment.ts';
import { faultsOf } from '../lambdas/shared/faults.ts';
import { maxWarmRows } from '../lambdas/warehouse/warm-limits.ts';
import { areIn, availabilityZones, DEFAULT_ZONES } from './availability-zones.ts';
import { type FunctionSize, functionSizes } from './function-size.ts';
import { isPlainHttp, statusApiSettings } from './status-api-settings.ts';

const identifier = z.string().regex(IDENTIFIER, 'must be an unquoted identifier');

/**
 * An event source mapping of a queue. Lambda accepts 2 to 1000 concurrent invocations, a window of 0 to 300 s, and batches of
 * more than 10 messages only with a window of at least 1 s.
 */
const eventSource = z
  .strictObject({
    batchSize: z.int().min(1).max(10_000),
    windowSeconds: z.int().min(0).max(300),
    maxConcurrency: z.int().min(2).max(1000),
  })
  .refine(({ batchSize, windowSeconds }) => batchSize <= 10 || windowSeconds >= 1, {
    message: 'more than 10 messages need a window of at least 1 s',
    path: ['windowSeconds'],
  });

const ACCOUNT_ID = /^\d{12}$/;
/** Without the comma that IAM allows in names, since `-c publisherPrincipals=…` is split at commas. */
const ROLE_OR_USER_ARN = /^arn:aws(-[a-z]+)*:iam::\d{12}:(role|user)\/[\w+=.@/-]{1,576}$/;

/** Never a wildcard, since publishers determine what is sent to partners. */
const publisherPrincipal = z.string().refine((text) => ACCOUNT_ID.test(text) || ROLE_OR_USER_ARN.test(text), {
  error: ({ input }) =>
    `${JSON.stringify(input)} is neither an account id of 12 digits nor the ARN of an IAM role or user`,
});

const cidr = z.union([z.cidrv4(), z.cidrv6()], {
  error: ({ input }) => `${JSON.stringify(input)} is not a network in CIDR notation`,
});

/**
 * Maximum age of a parked webhook, in days: the longest execution, then 72 hours parked. It is released with the payload in
 * the ledger, and would be lost without it.
 */
const OLDEST_PARKED_DAYS = MAX_EXECUTION_DAYS + 3;

/**
 * Retention in days since an event was accepted, and the circuit breaker of the ledger. DynamoDB deletes items up to 48 h
 * after they expire.
 */
const ledgerDays = z
  .strictObject({
    /** Events, and the beginnings of partners' error responses: personal data. */
    payloadDays: z
      .int()
      .min(OLDEST_PARKED_DAYS + 1)
      .max(365),
    /** Everything else: states, times, attempts and reasons, without personal data. */
    factsDays: z.int().max(3650),
    /**
     * An environment stops calls of one kind after `failuresToOpen` consecutive failures or slow responses, for `openSeconds`
     * ±20%. Calls time out after 2 s.
     */
    breaker: z.strictObject({
      failuresToOpen: z.int().min(1).max(100),
      openSeconds: z.int().min(1).max(60),
      slowMilliseconds: z.int().min(50).max(2_000),
    }),
  })
  .refine(({ payloadDays, factsDays }) => factsDays >= payloadDays, {
    message: 'must not be less than payloadDays: an event without its facts looks as if it had never been sent',
    path: ['factsDays'],
  });

const stageShape = z.strictObject({
  /** Part of the names of stack, secrets, state machine and other resources. */
  name: z.string().regex(/^[a-z][a-z0-9]{0,15}$/),
  /** The only account and region for the stack. Absent: those of the current credentials. */
  env: z.strictObject({ account: z.string().regex(ACCOUNT_ID), region: z.string().min(1) }).optional(),
  /** Allowed publishers: account ids, and ARNs of IAM roles and users. Replaced by `-c publisherPrincipals=…`. */
  publisherPrincipals: z.array(publisherPrincipal),
  /** Subscribers of alarms; each has to confirm by mail once. Replaced by `-c alarmEmails=…`. */
  alarmEmails: z.array(z.email({ error: ({ input }) => `${JSON.stringify(input)} is not an e-mail address` })),
  /** Resources that hold data or that others know outlive the stack, and the stack is protected from deletion. */
  retain: z.boolean(),
  /** Allowed endpoints. An integration cannot extend them. */
  partners: z.strictObject({
    allowPlainHttp: z.boolean(),
    /** Private networks, IPv4 or IPv6, in which endpoints are allowed; loopback is one. */
    allowedCidrs: z.array(cidr),
    allowedPorts: z.union([z.array(z.int().min(1).max(65_535)).min(1), z.literal('any')], {
      error: 'must be ports, 1 to 65535 and at least one, or any',
    }),
  }),
  /** Overrides the flag for all enterprises. For development: see `feature-override.ts`. */
  featureOverride: z.boolean().optional(),
  /**
   * Multiplies the deadlines of service calls (`lambdas/shared/io-deadlines.ts`). More than 1 only on a developer's machine, where
   * a busy processor must not look like an outage. The timeouts of deployed functions are chosen for 1.
   */
  ioDeadlineFactor: z.int().min(1).max(100),
  /** Serverless Valkey requires TLS; a server on a developer's machine usually does not support it. */
  cacheTls: z.boolean(),
  network: z.strictObject({
    /** One per zone, or one for all. Each has its own address and costs about $33 a month. */
    natGateways: z.int().min(1).max(3),
    /**
     * Two or three zones of one region, by their names in the account. Absent: the first two of the region, which may lack
     * Lambda in a VPC or ElastiCache Serverless. A change replaces the subnets and the cache. Replaced by
     * `-c availabilityZones=…`.
     */
    availabilityZones: availabilityZones.optional(),
  }),
  /** Cost limits: beyond them ElastiCache throttles. Gigabytes 1 to 5,000; ECPU/s from 1,000. */
  cache: z.strictObject({
    maxStorageGigabytes: z.int().min(1).max(5000),
    maxEcpuPerSecond: z.int().min(1000).max(15_000_000),
  }),
  /** The load of the cache after each change of the table (WarmCache). */
  warmCache: z.strictObject({
    /** Off: learners are read through one by one, and the events queue needs a window. */
    enabled: z.boolean(),
    /** Learners with activity in this number of days are loaded. */
    activeDays: z.int().min(1).max(366),
    /** Those with the newest activity. At most what fits in 60% of the cache's storage. */
    maxRows: z.int().min(1),
  }),
  ledger: ledgerDays,
  statusApi: statusApiSettings,
  /** Validated as identifiers, since they become part of the query's text. */
  warehouse: z.strictObject({
    warehouse: identifier,
    role: identifier,
    table: z.string().regex(TABLE_IDENTIFIER, 'must be one to three identifiers, separated by dots'),
    columns: z.strictObject({
      user: identifier,
      course: identifier,
      enterprise: identifier,
      date: identifier,
      seconds: identifier,
    }),
    /** Format of enterprise UUIDs in the table; `./ltw check-warehouse` finds it. */
    enterpriseIdForm: z.enum(ENTERPRISE_ID_FORMS),
    /**
     * An environment stops queries after `failuresToOpen` consecutive failures or slow responses, for `openSeconds` ±20%. At
     * most 44 s, so that the breaker probes again before an event's first retry after 54 s (60 s less 10%).
     */
    breaker: z.strictObject({
      failuresToOpen: z.int().min(1).max(100),
      openSeconds: z.int().min(1).max(44),
      /** At most 10 s, the deadline of a batch's query. */
      slowSeconds: z.int().min(1).max(10),
    }),
  }),
  eventSources: z.strictObject({
    events: eventSource,
    /** Each message is a request to a partner, sent in parallel: at most 10, without a batching window. */
    deliveries: eventSource.safeExtend({ batchSize: z.int().min(1).max(10), windowSeconds: z.literal(0) }),
    /** Settled in parallel; each message is a read and a write of the ledger. */
    outcomes: eventSource.safeExtend({ batchSize: z.int().min(1).max(10) }),
  }),
  functions: functionSizes,
  /** Values that CloudWatch accepts. */
  logRetentionDays: z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365]),
});

/** Everything that differs between stages or that an operator may change. */
export type Stage = z.infer<typeof stageShape>;
export type EventSource = z.infer<typeof eventSource>;

/** Otherwise Lambda throttles invocations of the mapping, and each throttled batch counts as received. */
const BEYOND_RESERVED = 'must not be more than the reserved concurrency of the function that reads';

const stageSchema = stageShape
  .refine(({ eventSources, functions }) => isWithin(eventSources.events, functions.enrichBatch), {
    message: BEYOND_RESERVED,
    path: ['eventSources', 'events', 'maxConcurrency'],
  })
  .refine(({ eventSources, functions }) => isWithin(eventSources.deliveries, functions.deliverBatch), {
    message: BEYOND_RESERVED,
    path: ['eventSources', 'deliveries', 'maxConcurrency'],
  })
  .refine(({ eventSources, functions }) => isWithin(eventSources.outcomes, functions.settleOutcomes), {
    message: BEYOND_RESERVED,
    path: ['eventSources', 'outcomes', 'maxConcurrency'],
  })
  .refine(({ warmCache, cache }) => warmCache.maxRows <= maxWarmRows(cache.maxStorageGigabytes), {
    error: ({ input }) =>
      `must not be more than ${maxWarmRows((input as Stage).cache.maxStorageGigabytes)}, which fill 60% of cache.maxStorageGigabytes`,
    path: ['warmCache', 'maxRows'],
  })
  .refine(({ warmCache, eventSources }) => warmCache.enabled || eventSources.events.windowSeconds > 0, {
    message: 'must be at least 1 without warmCache: each completion would be a query of its own',
    path: ['eventSources', 'events', 'windowSeconds'],
  })
  .refine(({ env, network }) => env === undefined || areIn(env.region, network.availabilityZones ?? []), {
    message: 'must be zones of the stage’s region',
    path: ['network', 'availabilityZones'],
  })
  .refine(({ network }) => network.natGateways <= Math.max(DEFAULT_ZONES, network.availabilityZones?.length ?? 0), {
    message: 'must not exceed the number of zones',
    path: ['network', 'natGateways'],
  })
  .refine(({ name, partners }) => name !== 'prod' || !partners.allowPlainHttp, {
    message: 'plain HTTP would expose learners’ data: not allowed in prod',
    path: ['partners', 'allowPlainHttp'],
  })
  .refine(({ name, partners }) => name !== 'prod' || partners.allowedCidrs.length === 0, {
    message: 'partners have public addresses: no other network is allowed in prod',
    path: ['partners', 'allowedCidrs'],
  })
  .refine(({ name, partners }) => name !== 'prod' || partners.allowedPorts !== 'any', {
    message: 'prod must list the allowed ports',
    path: ['partners', 'allowedPorts'],
  })
  .refine(({ name, retain }) => name !== 'prod' || retain, {
    message: 'prod must keep its queues, ledger, secrets, addresses and key',
    path: ['retain'],
  })
  .refine(({ name, featureOverride }) => featureOverride === undefined || ['local', 'dev'].includes(name), {
    message: 'only local and dev may override the flag',
    path: ['featureOverride'],
  })
  .refine(({ name, ioDeadlineFactor }) => name === 'local' || ioDeadlineFactor === 1, {
    message: 'must be 1 in deployed stages: function timeouts allow no more',
    path: ['ioDeadlineFactor'],
  })
  .refine(({ name, statusApi }) => name === 'local' || !isPlainHttp(statusApi), {
    message: 'plain HTTP issuers and origins are allowed in the stage local only',
    path: ['statusApi', 'browsers'],
  })
  .refine(({ name, cacheTls }) => name === 'local' || cacheTls, {
    message: 'serverless Valkey requires TLS',
    path: ['cacheTls'],
  });

function isWithin({ maxConcurrency }: EventSource, { reservedConcurrency }: FunctionSize): boolean {
  return reservedConcurrency === undefined || maxConcurrency <= reservedConcurrency;
}

/** @throws Error with one line that lists all faults */
export function checkStage(candidate: Stage): Stage {
  const result = stageSchema.safeParse(candidate);
  if (result.success) return result.data;
  throw new Error(`stage ${candidate.name}: ${faultsOf(result.error, 'stage')}`);
}
