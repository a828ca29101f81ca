import { featureOverride } from './feature-override.ts';
import { checkStage, type Stage } from './stage-schema.ts';
import { type BrowserSettings, LOCAL_BROWSERS } from './status-api-settings.ts';

const base = {
  publisherPrincipals: [],
  alarmEmails: [],
  retain: false,
  ioDeadlineFactor: 1,
  // The two ports that HTTPS is served on in practice; a partner on another one has it added here.
  partners: { allowPlainHttp: false, allowedCidrs: [], allowedPorts: [443, 8443] },
  cacheTls: true,
  network: { natGateways: 1 },
  cache: {
    // An answer is about 100 bytes: 1 GB holds ten million learners' answers, more than an hour of any LMS has.
    maxStorageGigabytes: 1,
    // A command of under 1 KB costs one ECPU, a script a few. The largest batch of events is 100 reads and 100 writes, of
    // deliveries two scripts for each of 10 integrations.
    maxEcpuPerSecond: 5000,
  },
  // A month of payloads is time enough for a partner to ask for something again; a year and a month of facts, to compare
  // a month with the same one a year before.
  ledger: {
    payloadDays: 30,
    factsDays: 400,
    // Five in a row are no accident: one batch of deliveries makes ten claims in parallel. DynamoDB responds in about 5 ms
    // (its service level is for single-digit milliseconds); 1 s, twice a delivery, is longer than most partners take, and
    // half of what a call may take before it is given up. 10 s as for the warehouse: a probe costs one delivery 2 s.
    breaker: { failuresToOpen: 5, openSeconds: 10, slowMilliseconds: 1000 },
  },
  // Names as in document 001, section 3.1.
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
    // Three in a row are no accident. 10 s, so that an event's first retry, 54 s later or more, always meets a probe made
    // since; eight environments at most (five of batches, three of tasks) then ask a sick warehouse once in 10 s each.
    breaker: { failuresToOpen: 3, openSeconds: 10, slowSeconds: 8 },
  },
  // An answer takes milliseconds and is kept for 15 s by whoever asked: for some hundred people at a time, and no bill for
  // a client that asks in a circle. Browsers are let in where an issuer is named: here, or with `-c` (docs/status-api.md).
  statusApi: { requestsPerSecond: 20, burst: 40 },
  eventSources: {
    // One warehouse query answers a batch's misses: up to 100 for the price of one, for a second's wait. A longer window
    // makes fewer queries of a trickle, and every event, cached or not, waits for it: docs/scale.md has both. A larger
    // batch makes fewer of a backlog, but all of it must reach the workflow in one invocation when the warehouse is out.
    // Five at a time is what Lambda starts with, and stays under the eight queries that a warehouse runs side by side.
    events: { batchSize: 100, windowSeconds: 1, maxConcurrency: 5 },
    // 10 x 10 requests in flight in all.
    deliveries: { batchSize: 10, windowSeconds: 0, maxConcurrency: 10 },
    // Nothing waits for these: two at a time, the fewest that there are, settle hundreds a second of a table that responds.
    outcomes: { batchSize: 10, windowSeconds: 0, maxConcurrency: 2 },
  },
  // Memory buys CPU: 512 MB, three tenths of one, where batches or the warehouse's SDK are worked on; 256 MB for what
  // handles one thing and waits.
  functions: {
    // Where everything hangs, one after the other: hiding messages 2.5 s, configuration 3 s, the ledger 6 s (three calls),
    // forwarding 2.5 s, the warehouse 10 s. That is 24 s; the rest is for starting workflows, which ends in time by itself.
    // Six times as long is under the 300 s after which the alarm event-age fires: an event may fail once.
    enrichBatch: { timeoutSeconds: 40, memoryMegabytes: 512 },
    // Warehouse at most 30 s, after a cold start that loads its SDK.
    enrichTask: { timeoutSeconds: 60, memoryMegabytes: 512 },
    // At most 45 s after the secret, 3 s, while somebody waits for the report.
    checkWarehouse: { timeoutSeconds: 60, memoryMegabytes: 512 },
    // For all records in parallel: 15.7 s before the partner's try of at most 15 s and 8.2 s after it, where everything
    // hangs (`function-size.ts`). That is 38.9 s. Not 40 s or more, which is the shortest lease in the ledger.
    deliverBatch: { timeoutSeconds: 39, memoryMegabytes: 512 },
    // The same for one record, and a try of at most 300 s: 323.9 s.
    deliverTask: { timeoutSeconds: 330, memoryMegabytes: 256 },
    // A try of at most 30 s, while somebody waits for the report, and the first reads before it.
    sendTest: { timeoutSeconds: 60, memoryMegabytes: 256 },
    // A handful of API calls for one execution.
    rescueExecution: { timeoutSeconds: 60, memoryMegabytes: 256 },
    // Three lists of executions, a second for each thousand, then the same for each that failed since the last sweep. 50 s are
    // kept for a rescue that hangs (`sweep.ts`); what it has no time for is the next one's.
    sweepExecutions: { timeoutSeconds: 300, memoryMegabytes: 256 },
    // One call.
    credentialAge: { timeoutSeconds: 30, memoryMegabytes: 256 },
    // The longest there is: it reads every webhook of four days, and of a month once a day. What a run has no time for, it
    // says, and leaves to the next one.
    reconcile: { timeoutSeconds: 900, memoryMegabytes: 512 },
    // For each record of a batch in parallel, at most four rounds of a read and a write in a ledger that hangs, 2 s each.
    settleOutcomes: { timeoutSeconds: 30, memoryMegabytes: 256 },
    // The first read of the flag, 3 s, on a cold start; a browser waits for it.
    featureStatus: { timeoutSeconds: 10, memoryMegabytes: 256 },
    // On a cold start the token and the integrations, 3 s each, then CloudWatch at most 5 s; or, without the token, the
    // ledger at most 3 s after that. 512 MB, since one answer may hold 2,000 integrations.
    webhookHealth: { timeoutSeconds: 15, memoryMegabytes: 512 },
  },
} satisfies Partial<Stage>;

/**
 * For accounts of ordinary size: 1,000 concurrent executions. A new account may have 10; ask for more before deploying
 * a stage that reserves (Service Quotas, Lambda, "Concurrent executions").
 */
const bounded = {
  ...base.functions,
  // A warehouse runs eight queries side by side by default; five are the batch function's. A sick warehouse keeps a task
  // for up to 30 s: three wait on it then, not three hundred. The rest is throttled, which spends no try of theirs.
  enrichTask: { ...base.functions.enrichTask, reservedConcurrency: 3 },
  // One at a time: a second run beside the first would do the same work, and dead-letter twice what it ends.
  reconcile: { ...base.functions.reconcile, reservedConcurrency: 1 },
} satisfies Stage['functions'];

const defined: readonly Stage[] = [
  {
    ...base,
    name: 'local',
    // Nothing is sent from one's own machine; with somebody to tell it is as it would be elsewhere.
    alarmEmails: ['operator@example.com'],
    // Nobody's account, so that a deploy is refused before it starts.
    env: { account: '000000000000', region: 'us-east-1' },
    // Partners are on one's own machine, wherever a port is free.
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
    // A new account may have a concurrency of 10 in all, of which 10 must stay unreserved: nothing is reserved here, and
    // the queues' readers leave two for the workflow's tasks and the rescue, four while no outcome waits.
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
    // One in each zone: a zone that fails takes neither the other's way out nor any address from the allow-lists.
    network: { natGateways: 2 },
    eventSources: { ...base.eventSources, deliveries: { ...base.eventSources.deliveries, maxConcurrency: 20 } },
    functions: {
      ...bounded,
      deliverBatch: { ...bounded.deliverBatch, reservedConcurrency: 20 },
      // Each may wait 300 s for one slow partner; fifty of them are ten a minute at the slowest.
      deliverTask: { ...bounded.deliverTask, reservedConcurrency: 50 },
    },
    // As long as Step Functions keeps the history of an execution.
    logRetentionDays: 90,
  },
];
const stages = defined.map(checkStage);

export const STAGE_NAMES: readonly string[] = stages.map(({ name }) => name);

/** What an operator may set without changing a file: `-c name=value`, or in `cdk.json`. Each replaces the stage's own. */
export const OVERRIDE_NAMES = [
  // Lists, cut by commas.
  'publisherPrincipals',
  'alarmEmails',
  'availabilityZones',
  // The issuer of browsers' tokens: with it the status API has their routes. Audiences, a list, are required with it.
  'statusIssuer',
  'statusAudiences',
  'statusOrigins',
  // The claim of a token that holds its enterprise.
  'statusEnterpriseClaim',
] as const;

export interface StageOverrides extends Readonly<Partial<Record<(typeof OVERRIDE_NAMES)[number], unknown>>> {
  /** Of the process, where `FEATURE_<NAME>_ENABLED` may be set. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/**
 * @param name as given by `-c stage=…`; anything, since it comes from outside
 * @throws Error in one line that lists the stages, or says what is wrong with an override
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

/** The schema finds what is wrong or missing. */
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

/** The schema refuses what is no text. */
function listed(value: unknown): string[] {
  if (typeof value !== 'string') return value as string[];
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
