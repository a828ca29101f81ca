import { featureOverride } from './feature-override.ts';
import { checkStage, type Stage } from './stage-schema.ts';
import { type BrowserSettings, LOCAL_BROWSERS } from './status-api-settings.ts';

const base = {
  publisherPrincipals: [],
  alarmEmails: [],
  retain: false,
  ioDeadlineFactor: 1,
  // The usual ports of HTTPS; add others that partners use.
  partners: { allowPlainHttp: false, allowedCidrs: [], allowedPorts: [443, 8443] },
  cacheTls: true,
  network: { natGateways: 1 },
  cache: {
    // A cached result has about 100 bytes: 1 GB holds ten million, more than any LMS needs in an hour.
    maxStorageGigabytes: 1,
    // A command under 1 KB costs one ECPU, a script a few. The largest batch of events has 100 reads and 100 writes; the
    // largest batch of deliveries has two scripts for each of 10 integrations.
    maxEcpuPerSecond: 5000,
  },
  // Two weeks, since most learners who complete a course were active in it within days. A million rows fill 60% of a
  // gigabyte at most; at half of `maxEcpuPerSecond` they take seven minutes.
  warmCache: { enabled: true, activeDays: 14, maxRows: 1_000_000 },
  // Payloads for a month, in which partners may ask for a replay; facts for 13 months, to compare a month with the same month
  // of the previous year.
  ledger: {
    payloadDays: 30,
    factsDays: 400,
    // A batch of deliveries makes ten claims in parallel, so five consecutive failures mean an outage. DynamoDB responds in
    // about 5 ms; 1 s, twice per delivery, is longer than most partners take, and half of the 2 s timeout. 10 s as for the
    // warehouse: a probe delays one delivery by up to 2 s.
    breaker: { failuresToOpen: 5, openSeconds: 10, slowMilliseconds: 1000 },
  },
  // Names of requirement T4.
  warehouse: {
    warehouse: 'REPORTING_WH',
    role: 'ANALYST',
    table: 'PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME',
    columns: {
      user: 'USER_ID',
      course: 'COURSE_KEY',
      enterprise: 'ENTERPRISE_CUSTOMER_UUID',
      date: 'DATE',
      seconds: 'LEARNING_TIME_SECONDS',
    },
    enterpriseIdForm: 'lower',
    // Three consecutive failures mean an outage. 10 s, so that a probe always precedes an event's first retry after 54 s or
    // more. At most eight environments (five of batches, three of tasks) then probe a failing warehouse once per 10 s each.
    breaker: { failuresToOpen: 3, openSeconds: 10, slowSeconds: 8 },
  },
  // A response takes milliseconds, and clients cache it for 15 s: enough for some hundred concurrent users, and a cost limit
  // for a client in a loop. Browser routes exist only with an issuer, set here or with `-c` (docs/status-api.md).
  statusApi: { requestsPerSecond: 20, burst: 40 },
  eventSources: {
    // Without a window, since WarmCache has loaded most learners. While under 80% of them are in the cache, use a window of 1 s
    // and batches of 100, as docs/rollout.md says: one query then covers all misses of a batch. Lambda starts with five
    // concurrent invocations, and a warehouse runs eight queries in parallel.
    events: { batchSize: 10, windowSeconds: 0, maxConcurrency: 5 },
    // At most 10 x 10 concurrent requests.
    deliveries: { batchSize: 10, windowSeconds: 0, maxConcurrency: 10 },
    // Nothing waits for these. Two concurrent invocations, Lambda's minimum, settle hundreds a second.
    outcomes: { batchSize: 10, windowSeconds: 0, maxConcurrency: 2 },
  },
  // CPU grows with memory. Functions that process batches or load the Snowflake SDK get 512 MB, 0.3 vCPU; functions that
  // handle one item and mostly wait get 256 MB.
  functions: {
    // If every call hangs: visibility 2.5 s, configuration 3 s, ledger 6 s (three calls), forwarding 2.5 s, warehouse 10 s.
    // That is 24 s; the rest is for starting workflows, which stops in time. Six timeouts, the visibility timeout, are under
    // the 300 s of the alarm event-age, so an event may fail once.
    enrichBatch: { timeoutSeconds: 40, memoryMegabytes: 512 },
    // Query at most 30 s, after a cold start that loads the Snowflake SDK.
    enrichTask: { timeoutSeconds: 60, memoryMegabytes: 512 },
    // A minute less than the interval of its schedule. A run that has no time left stops, and the next one continues. The Snowflake
    // SDK decompresses chunks of up to 16 MB.
    warmCache: { timeoutSeconds: 840, memoryMegabytes: 1024 },
    // Secret 3 s, checks at most 45 s.
    checkWarehouse: { timeoutSeconds: 60, memoryMegabytes: 512 },
    // All records in parallel: at most 15.7 s before the attempt, 15 s for the attempt and 8.2 s after it
    // (`function-size.ts`), 38.9 s in all. Must be under 40 s, the shortest lease in the ledger.
    deliverBatch: { timeoutSeconds: 39, memoryMegabytes: 512 },
    // The same for one record with an attempt of at most 300 s: 323.9 s.
    deliverTask: { timeoutSeconds: 330, memoryMegabytes: 256 },
    // First reads, then an attempt of at most 30 s.
    sendTest: { timeoutSeconds: 60, memoryMegabytes: 256 },
    // A few API calls for one execution.
    rescueExecution: { timeoutSeconds: 60, memoryMegabytes: 256 },
    // Three lists of executions, 1 s per thousand, then a rescue of each that failed since the last sweep. 50 s are reserved for
    // a rescue that hangs (`sweep-missed.ts`); the next sweep handles the rest.
    sweepExecutions: { timeoutSeconds: 300, memoryMegabytes: 256 },
    // One call.
    credentialAge: { timeoutSeconds: 30, memoryMegabytes: 256 },
    // Integrations 3 s, then 50 secrets at a time, 3 s each: at most 2,000.
    certificateExpiry: { timeoutSeconds: 180, memoryMegabytes: 256 },
    // Lambda's maximum, for an operator's run over many days, and for scheduled runs that catch up. A run that has no time left
    // reports that, and the next run handles the rest.
    reconcile: { timeoutSeconds: 900, memoryMegabytes: 512 },
    // All records in parallel: at most four rounds of a read and a write, 2 s each.
    settleOutcomes: { timeoutSeconds: 30, memoryMegabytes: 256 },
    // First read of the flag on a cold start: 3 s.
    featureStatus: { timeoutSeconds: 10, memoryMegabytes: 256 },
    // On a cold start token and integrations, 3 s each, then CloudWatch at most 5 s; health requests read no token, but the
    // ledger for at most 3 s. 512 MB, since a response may have 2,000 integrations.
    webhookHealth: { timeoutSeconds: 15, memoryMegabytes: 512 },
  },
} satisfies Partial<Stage>;

/**
 * For accounts with a concurrency of 1,000, the default. A new account may have 10: raise the quota before deploying a stage
 * that reserves concurrency (Service Quotas, Lambda, "Concurrent executions").
 */
const bounded = {
  ...base.functions,
  // A warehouse runs eight queries in parallel by default, of which EnrichBatch may use five. A slow warehouse occupies a task
  // for up to 30 s. Other tasks are throttled, which spends none of their attempts.
  enrichTask: { ...base.functions.enrichTask, reservedConcurrency: 3 },
  // A concurrent second run would load the same rows.
  warmCache: { ...base.functions.warmCache, reservedConcurrency: 1 },
  // A concurrent second run would repeat the work and send dead-letter messages twice.
  reconcile: { ...base.functions.reconcile, reservedConcurrency: 1 },
} satisfies Stage['functions'];

const defined: readonly Stage[] = [
  {
    ...base,
    name: 'local',
    // The local platform sends no mail; with a subscriber the stage is like the deployed ones.
    alarmEmails: ['operator@example.com'],
    // No real account, so that a deploy is refused before it starts.
    env: { account: '000000000000', region: 'us-east-1' },
    // Partners run on the same machine, on any free port.
    partners: { allowPlainHttp: true, allowedCidrs: ['127.0.0.0/8', '::1/128'], allowedPorts: 'any' },
    cacheTls: false,
    // The services and the tests share the machine's processors.
    ioDeadlineFactor: 10,
    statusApi: { ...base.statusApi, browsers: LOCAL_BROWSERS },
    logRetentionDays: 1,
  },
  {
    ...base,
    name: 'dev',
    // A new account may have a concurrency of 10, all of which must stay unreserved, so nothing is reserved here. The event
    // source mappings leave two for the workflow's tasks and the rescue, or four while no outcome waits.
    eventSources: {
      events: { ...base.eventSources.events, maxConcurrency: 2 },
      deliveries: { ...base.eventSources.deliveries, maxConcurrency: 4 },
      outcomes: base.eventSources.outcomes,
    },
    logRetentionDays: 7,
  },
  {
    ...base,
    name: 'staging',
    functions: {
      ...bounded,
      deliverBatch: { ...bounded.deliverBatch, reservedConcurrency: 10 },
      deliverTask: { ...bounded.deliverTask, reservedConcurrency: 10 },
    },
    logRetentionDays: 30,
  },
  {
    ...base,
    name: 'prod',
    retain: true,
    // One per zone, so that an outage of a zone does not affect the other zone's egress.
    network: { natGateways: 2 },
    eventSources: { ...base.eventSources, deliveries: { ...base.eventSources.deliveries, maxConcurrency: 20 } },
    functions: {
      ...bounded,
      deliverBatch: { ...bounded.deliverBatch, reservedConcurrency: 20 },
      // Each may wait 300 s for a slow partner, so 50 make at least ten attempts a minute.
      deliverTask: { ...bounded.deliverTask, reservedConcurrency: 50 },
    },
    // Step Functions' retention of an execution's history.
    logRetentionDays: 90,
  },
];
const stages = defined.map(checkStage);

export const STAGE_NAMES: readonly string[] = stages.map(({ name }) => name);

/** Settings that an operator may override with `-c name=value` or in `cdk.json`. */
export const OVERRIDE_NAMES = [
  // Comma-separated lists.
  'publisherPrincipals',
  'alarmEmails',
  'availabilityZones',
  // Issuer of browsers' tokens, which adds their routes to the status API. Requires audiences, a list.
  'statusIssuer',
  'statusAudiences',
  'statusOrigins',
  // The token's claim with the caller's enterprise.
  'statusEnterpriseClaim',
] as const;

interface StageOverrides extends Readonly<Partial<Record<(typeof OVERRIDE_NAMES)[number], unknown>>> {
  /** Environment variables, which may include `FEATURE_<NAME>_ENABLED`. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * @param name the value of `-c stage=…`, not validated yet
 * @throws Error with one line that lists the stages, or the faults of an override
 */
export function findStage(name: unknown, overrides: StageOverrides = {}): Stage {
  const { publisherPrincipals, alarmEmails, availabilityZones, environment = {} } = overrides;
  const browsers = browsersOf(overrides);
  const stage = stages.find((candidate) => candidate.name === name);
  if (stage === undefined) {
    const given = name === undefined ? 'no stage given' : `unknown stage ${JSON.stringify(name)}`;
    throw new Error(`${given}: choose one with -c stage=${STAGE_NAMES.join(' or -c stage=')}`);
  }
  return checkStage({
    ...stage,
    ...featureOverride(stage.name, environment),
    ...(publisherPrincipals !== undefined && { publisherPrincipals: listed(publisherPrincipals) }),
    ...(alarmEmails !== undefined && { alarmEmails: listed(alarmEmails) }),
    ...(availabilityZones !== undefined && {
      network: { ...stage.network, availabilityZones: listed(availabilityZones) },
    }),
    ...(browsers !== undefined && {
      statusApi: {
        ...stage.statusApi,
        browsers: { ...(overrides.statusIssuer === undefined && stage.statusApi.browsers), ...browsers },
      },
    }),
  });
}

/** Not validated: the stage's schema reports faults. */
function browsersOf(overrides: StageOverrides): BrowserSettings | undefined {
  const { statusIssuer, statusAudiences, statusOrigins, statusEnterpriseClaim } = overrides;
  const given = {
    ...(statusIssuer !== undefined && { issuer: statusIssuer, origins: [] }),
    ...(statusAudiences !== undefined && { audiences: listed(statusAudiences) }),
    ...(statusOrigins !== undefined && { origins: listed(statusOrigins) }),
    ...(statusEnterpriseClaim !== undefined && { enterpriseClaim: statusEnterpriseClaim }),
  };
  return Object.keys(given).length === 0 ? undefined : (given as BrowserSettings);
}

/** Splits a comma-separated list. Other types are returned unchanged, and the stage's schema rejects them. */
function listed(value: unknown): string[] {
  if (typeof value !== 'string') return value as string[];
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
