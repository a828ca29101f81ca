import * as z from 'zod';
import { MAX_EXECUTION_DAYS } from '../lambdas/events/delivery.ts';
import { ENTERPRISE_ID_FORMS, IDENTIFIER, TABLE_IDENTIFIER } from '../lambdas/shared/environment.ts';
import { faultsOf } from '../lambdas/shared/faults.ts';
import { areIn, availabilityZones, DEFAULT_ZONES } from './availability-zones.ts';
import { type FunctionSize, functionSizes } from './function-size.ts';
import { isPlainHttp, statusApiSettings } from './status-api-settings.ts';

const identifier = z.string().regex(IDENTIFIER, 'must be an unquoted identifier');

/**
 * How a queue is read. Event source mappings take 2 to 1000 concurrent invocations, a window of 0 to 300 s, and more
 * than 10 messages only with a window of at least 1 s.
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
/** IAM allows a comma in names too; `-c publisherPrincipals=…` is cut at commas, so that none can be written here. */
const ROLE_OR_USER_ARN = /^arn:aws(-[a-z]+)*:iam::\d{12}:(role|user)\/[\w+=.@/-]{1,576}$/;

/** Never a wildcard: whoever may send events decides what partners are told. */
const publisherPrincipal = z.string().refine((text) => ACCOUNT_ID.test(text) || ROLE_OR_USER_ARN.test(text), {
  error: ({ input }) =>
    `${JSON.stringify(input)} is neither an account id of 12 digits nor the ARN of an IAM role or user`,
});

const cidr = z.union([z.cidrv4(), z.cidrv6()], {
  error: ({ input }) => `${JSON.stringify(input)} is no network in CIDR notation`,
});

/**
 * Age, in days, at which a webhook may still need its payload: an execution carried it for as long as one may live, and
 * then it was parked for 72 hours. It is released with what the ledger holds of it; without that, it would be lost.
 */
const OLDEST_PARKED_DAYS = MAX_EXECUTION_DAYS + 3;

/**
 * How long the ledger holds what, in days since an event was accepted, and when it is left alone. DynamoDB deletes up to
 * 48 h later.
 */
const ledgerDays = z
  .strictObject({
    /** Events as the LMS sent them, and how partners' refusals begin: personal data. */
    payloadDays: z
      .int()
      .min(OLDEST_PARKED_DAYS + 1)
      .max(365),
    /** States, times, tries and reasons: what is known of a webhook without its learner. */
    factsDays: z.int().max(3650),
    /**
     * When an environment makes no more calls of one kind: after so many failures or slow responses in a row, for so long,
     * ±20%. A call that hangs is given up after 2 s.
     */
    breaker: z.strictObject({
      failuresToOpen: z.int().min(1).max(100),
      openSeconds: z.int().min(1).max(60),
      slowMilliseconds: z.int().min(50).max(2_000),
    }),
  })
  .refine(({ payloadDays, factsDays }) => factsDays >= payloadDays, {
    message: 'must not be less than payloadDays: an event without its facts looks as if nobody had sent it yet',
    path: ['factsDays'],
  });

const stageShape = z.strictObject({
  /** Part of the names of the stack, the secrets, the state machine and more. */
  name: z.string().regex(/^[a-z][a-z0-9]{0,15}$/),
  /** Where the stack may be deployed. Absent: wherever the credentials at hand lead. */
  env: z.strictObject({ account: z.string().regex(ACCOUNT_ID), region: z.string().min(1) }).optional(),
  /** Who may send events: account ids, and ARNs of IAM roles and users. Replaced by `-c publisherPrincipals=…`. */
  publisherPrincipals: z.array(publisherPrincipal),
  /** Who is told of alarms, each after confirming it once by mail. Replaced by `-c alarmEmails=…`. */
  alarmEmails: z.array(z.email({ error: ({ input }) => `${JSON.stringify(input)} is no e-mail address` })),
  /** What holds data or is known to others outlives the stack, and the stack is protected from deletion. */
  retain: z.boolean(),
  /** Which way to partners is open. Permissions of the stage, never of an integration. */
  partners: z.strictObject({
    allowPlainHttp: z.boolean(),
    /** Networks, v4 or v6, that partners may be in although they are not public; loopback is one. */
    allowedCidrs: z.array(cidr),
    allowedPorts: z.union([z.array(z.int().min(1).max(65_535)).min(1), z.literal('any')], {
      error: 'must be ports, 1 to 65535 and at least one, or any',
    }),
  }),
  /** Switches the feature for everybody, whatever its flag says. For development: see `feature-override.ts`. */
  featureOverride: z.boolean().optional(),
  /**
   * Multiplies what functions wait for their services (`lambdas/shared/io-deadlines.ts`). More than 1 on one's own machine
   * only, where a busy processor must not pass for a service that is down: deployed functions have timeouts for 1.
   */
  ioDeadlineFactor: z.int().min(1).max(100),
  /** Serverless Valkey speaks TLS only; a server on one's own machine usually does not speak it at all. */
  cacheTls: z.boolean(),
  network: z.strictObject({
    /** One for each zone, or one for all. Each has an address of its own and about $33 a month. */
    natGateways: z.int().min(1).max(3),
    /**
     * Two or three zones of one region, by their names in the account. Absent: the first two of wherever the stack is
     * deployed, which may lack Lambda in a VPC or ElastiCache Serverless. Another choice replaces subnets and the cache.
     * Replaced by `-c availabilityZones=…`.
     */
    availabilityZones: availabilityZones.optional(),
  }),
  /** Upper limits, so that a runaway client meets throttling and not a bill. Gigabytes 1 to 5,000; ECPU/s from 1,000. */
  cache: z.strictObject({
    maxStorageGigabytes: z.int().min(1).max(5000),
    maxEcpuPerSecond: z.int().min(1000).max(15_000_000),
  }),
  ledger: ledgerDays,
  statusApi: statusApiSettings,
  /** Checked as identifiers, since they become part of the query's text. */
  warehouse: z.strictObject({
    warehouse: identifier,
    role: identifier,
    table: z.string().regex(TABLE_IDENTIFIER, 'must be one to three identifiers, cut by dots'),
    columns: z.strictObject({
      user: identifier,
      course: identifier,
      enterprise: identifier,
      date: identifier,
      seconds: identifier,
    }),
    /** How the table writes enterprises' UUIDs; `./ltw check-warehouse` finds it. */
    enterpriseIdForm: z.enum(ENTERPRISE_ID_FORMS),
    /**
     * When an environment leaves a sick warehouse alone: after so many failures or slow answers in a row, for so long,
     * ±20%. Under 54 s, the earliest first retry of an event (60 s less 10%), so that it finds out whether that is over.
     */
    breaker: z.strictObject({
      failuresToOpen: z.int().min(1).max(100),
      openSeconds: z.int().min(1).max(44),
      /** Under the 10 s in which a batch must be answered: more is no answer anyway. */
      slowSeconds: z.int().min(1).max(10),
    }),
  }),
  eventSources: z.strictObject({
    events: eventSource,
    /** Every message is a request to a partner, made side by side: at most 10, and nothing waits for a batch to fill. */
    deliveries: eventSource.safeExtend({ batchSize: z.int().min(1).max(10), windowSeconds: z.literal(0) }),
    /** Settled in parallel; each message is a read and a write of the ledger. */
    outcomes: eventSource.safeExtend({ batchSize: z.int().min(1).max(10) }),
  }),
  functions: functionSizes,
  /** CloudWatch takes certain numbers only. */
  logRetentionDays: z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365]),
});

/** All that differs between stages, or that an operator might change. */
export type Stage = z.infer<typeof stageShape>;
export type EventSource = z.infer<typeof eventSource>;

/** A mapping that may invoke more than the function may run has its batches throttled, and their receives counted. */
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
  .refine(({ env, network }) => env === undefined || areIn(env.region, network.availabilityZones ?? []), {
    message: 'must be zones of the stage’s own region',
    path: ['network', 'availabilityZones'],
  })
  .refine(({ network }) => network.natGateways <= Math.max(DEFAULT_ZONES, network.availabilityZones?.length ?? 0), {
    message: 'must not be more than there are zones',
    path: ['network', 'natGateways'],
  })
  .refine(({ name, partners }) => name !== 'prod' || !partners.allowPlainHttp, {
    message: 'plain HTTP would show learners’ data to everyone on the way: never in prod',
    path: ['partners', 'allowPlainHttp'],
  })
  .refine(({ name, partners }) => name !== 'prod' || partners.allowedCidrs.length === 0, {
    message: 'partners are on public addresses: no other network may be reached in prod',
    path: ['partners', 'allowedCidrs'],
  })
  .refine(({ name, partners }) => name !== 'prod' || partners.allowedPorts !== 'any', {
    message: 'prod lists the ports that partners use, one by one',
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
    message: 'must be 1 where functions are deployed: their timeouts leave no time for more',
    path: ['ioDeadlineFactor'],
  })
  .refine(({ name, statusApi }) => name === 'local' || !isPlainHttp(statusApi), {
    message: 'an issuer and origins on this machine are the local stage’s alone: tokens travel by https',
    path: ['statusApi', 'browsers'],
  })
  .refine(({ name, cacheTls }) => name === 'local' || cacheTls, {
    message: 'serverless Valkey answers TLS only',
    path: ['cacheTls'],
  });

function isWithin({ maxConcurrency }: EventSource, { reservedConcurrency }: FunctionSize): boolean {
  return reservedConcurrency === undefined || maxConcurrency <= reservedConcurrency;
}

/** @throws Error in one line that names each fault */
export function checkStage(candidate: Stage): Stage {
  const result = stageSchema.safeParse(candidate);
  if (result.success) return result.data;
  throw new Error(`stage ${candidate.name}: ${faultsOf(result.error, 'stage')}`);
}
