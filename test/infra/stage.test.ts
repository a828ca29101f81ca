import { describe, expect, test } from '@jest/globals';
import { BATCH_WAREHOUSE_DEADLINE_MS } from '../../lambdas/enrichment/enrich-events.ts';
import { TASK_WAREHOUSE_DEADLINE_MS } from '../../lambdas/enrichment/retry-enrichment.ts';
import { SLOWEST_START_MS } from '../../lambdas/enrichment/start-workflows.ts';
import { MAX_EXECUTION_DAYS } from '../../lambdas/events/delivery.ts';
import { enrichmentDueAt } from '../../lambdas/events/retry-timing.ts';
import { LONGEST_PARKING_MS } from '../../lambdas/ledger/balance.ts';
import { MIN_LEASE_SECONDS } from '../../lambdas/ledger/record.ts';
import { RESERVE_MS } from '../../lambdas/operations/sweep-missed.ts';
import { integrationSchema, MAX_QUEUE_ATTEMPT_SECONDS } from '../../lambdas/partners/integration.ts';
import { CLIENT_WAITS, IO_DEADLINES } from '../../lambdas/shared/io-deadlines.ts';
import { RESERVE_MS as WARM_RESERVE_MS } from '../../lambdas/warming/warm-run.ts';
import { findStage, STAGE_NAMES } from '../../lib/stage.ts';
import { checkStage, type Stage } from '../../lib/stage-schema.ts';

describe('findStage', () => {
  test.each([undefined, 'LOCAL', {}])('rejects %p with one line that lists the stages', (name) => {
    expect(() => findStage(name)).toThrow(
      /^[^\n]*choose one with -c stage=local or -c stage=dev or -c stage=staging or -c stage=prod$/,
    );
  });

  // Allowed endpoints of each stage: stages.test.ts.
  test('local has no real account, dev has that of the deploy', () => {
    expect([findStage('local').env?.account, findStage('dev').env]).toEqual(['000000000000', undefined]);
  });

  const ROLE = 'arn:aws:iam::210987654321:role/lms/publisher';

  test.each([
    [undefined, []],
    ['', []],
    ['123456789012', ['123456789012']],
    [` ${ROLE}, 123456789012 ,`, [ROLE, '123456789012']],
    [[ROLE], [ROLE]],
    ['arn:aws-us-gov:iam::210987654321:user/lms', ['arn:aws-us-gov:iam::210987654321:user/lms']],
  ])('publishers %j', (publisherPrincipals, expected) => {
    expect(findStage('prod', { publisherPrincipals }).publisherPrincipals).toEqual(expected);
  });

  test.each([
    '*',
    'arn:aws:iam::*:role/x',
    'arn:aws:iam::210987654321:root',
    'arn:aws:iam::210987654321:role/*',
    'arn:aws:sts::210987654321:assumed-role/lms/session',
    'arn:aws:iam::21098765432:role/x',
    '12345678901',
    'sqs.amazonaws.com',
  ])('rejects the publisher %s with one line', (principal) => {
    expect(() => findStage('prod', { publisherPrincipals: principal })).toThrow(
      `stage prod: publisherPrincipals.0: "${principal}" is neither an account id of 12 digits nor the ARN of an IAM role or user`,
    );
  });

  test.each([7, { a: 1 }])('rejects %j as publishers with one line', (publisherPrincipals) => {
    expect(() => findStage('prod', { publisherPrincipals })).toThrow(/^stage prod: publisherPrincipals: [^\n]+$/);
  });
});

test('subscribers of alarms are e-mail addresses', () => {
  expect(() => findStage('prod', { alarmEmails: 'operator' })).toThrow(
    'stage prod: alarmEmails.0: "operator" is not an e-mail address',
  );
});

test('zones from the command line replace the stage’s own', () => {
  expect(findStage('prod', { availabilityZones: 'us-east-1b, us-east-1d' }).network).toEqual({
    ...findStage('prod').network,
    availabilityZones: ['us-east-1b', 'us-east-1d'],
  });
  expect(() => findStage('prod', { availabilityZones: 'use1-az1,us-east-1d' })).toThrow(
    'stage prod: network.availabilityZones: "use1-az1" is not the name of an availability zone, such as us-east-1a',
  );
});

const issuer = 'https://identity.example/realms/lms';

describe('browser settings of the status API from the command line', () => {
  const browsersOf = (overrides: object) => findStage('prod', overrides).statusApi.browsers;

  // All four: status-api.test.ts.
  test('a stage has none by default, and needs no origins and no claim', () => {
    for (const name of STAGE_NAMES.filter((each) => each !== 'local')) {
      expect(findStage(name).statusApi).not.toHaveProperty('browsers');
    }
    expect(browsersOf({ statusIssuer: issuer, statusAudiences: 'lms' })).toEqual({
      issuer,
      audiences: ['lms'],
      origins: [],
    });
  });

  test('another issuer replaces all browser settings; others can be changed alone', () => {
    const overrides = { statusIssuer: issuer, statusAudiences: 'portal' };
    expect(findStage('local', overrides).statusApi.browsers).toEqual({ issuer, audiences: ['portal'], origins: [] });
    const { browsers } = findStage('local').statusApi;
    expect(findStage('local', { statusAudiences: 'portal' }).statusApi.browsers).toEqual({
      ...browsers,
      audiences: ['portal'],
    });
  });

  test.each([
    [{ statusIssuer: issuer }, 'statusApi.browsers.audiences: must have at least one'],
    [{ statusAudiences: 'lms', statusOrigins: '' }, 'statusApi.browsers.issuer: is required'],
    [{ statusIssuer: 7, statusAudiences: 'lms' }, 'statusApi.browsers.issuer: is required'],
    [{ statusIssuer: issuer, statusAudiences: 'lms', statusEnterpriseClaim: '' }, 'statusApi.browsers.enterpriseClaim'],
  ])('%j is rejected with one line', (overrides, message) => {
    expect(() => browsersOf(overrides)).toThrow(`stage prod: ${message}`);
  });
});

describe('checkStage', () => {
  const prod = findStage('prod');
  const { functions, partners, warehouse } = prod;
  const breakerOfLedger = (change: object) => ({
    ledger: { ...prod.ledger, breaker: { ...prod.ledger.breaker, ...change } },
  });
  const way = (change: object) => ({ partners: { ...partners, ...change } });
  const events = (change: object) => ({
    eventSources: { ...prod.eventSources, events: { ...prod.eventSources.events, ...change } },
  });
  const timeout = (id: 'deliverBatch' | 'deliverTask' | 'warmCache', timeoutSeconds: number) => ({
    functions: { ...functions, [id]: { ...functions[id], timeoutSeconds } },
  });
  const reserved = (id: 'enrichBatch' | 'deliverBatch', reservedConcurrency: number) => ({
    functions: { ...functions, [id]: { ...functions[id], reservedConcurrency } },
  });
  const zones = (...availabilityZones: string[]) => ({ network: { natGateways: 2, availabilityZones } });
  const statusApi = (change: object) => ({ statusApi: { ...prod.statusApi, ...change } });
  const browsers = (change: object) => statusApi({ browsers: { issuer, audiences: ['lms'], origins: [], ...change } });
  const columns = (column: string) => ({
    warehouse: { ...warehouse, columns: { ...warehouse.columns, user: column } },
  });

  test.each<[string, object]>([
    ['partners.allowPlainHttp', way({ allowPlainHttp: true })],
    ['partners.allowedCidrs', way({ allowedCidrs: ['203.0.113.0/24'] })],
    ['partners.allowedCidrs.1', way({ allowedCidrs: ['10.0.0.0/8', '10.0.0.1'] })],
    ['partners.allowedCidrs.0', way({ allowedCidrs: ['fd00::/129'] })],
    ['partners.allowedPorts', way({ allowedPorts: 'any' })],
    ['partners.allowedPorts', way({ allowedPorts: [] })],
    ['partners.allowedPorts.1', way({ allowedPorts: [443, 65_536] })],
    ['partners.allowedPorts.0', way({ allowedPorts: [0] })],
    ['functions.deliverBatch.timeoutSeconds', timeout('deliverBatch', 38)],
    ['functions.deliverBatch.timeoutSeconds', timeout('deliverBatch', MIN_LEASE_SECONDS)],
    ['functions.deliverTask.timeoutSeconds', timeout('deliverTask', 323)],
    ['ledger.payloadDays', { ledger: { ...prod.ledger, payloadDays: 19, factsDays: 400 } }],
    ['ledger.payloadDays', { ledger: { ...prod.ledger, payloadDays: 366, factsDays: 400 } }],
    ['ledger.factsDays', { ledger: { ...prod.ledger, payloadDays: 30, factsDays: 29 } }],
    ['ledger.factsDays', { ledger: { ...prod.ledger, payloadDays: 30, factsDays: 3651 } }],
    ['ledger.breaker.failuresToOpen', breakerOfLedger({ failuresToOpen: 0 })],
    ['ledger.breaker.openSeconds', breakerOfLedger({ openSeconds: 61 })],
    ['ledger.breaker.slowMilliseconds', breakerOfLedger({ slowMilliseconds: 2001 })],
    // 60% of 1 GB.
    ['warmCache.maxRows', { warmCache: { ...prod.warmCache, maxRows: 1_000_001 } }],
    ['warmCache.activeDays', { warmCache: { ...prod.warmCache, activeDays: 0 } }],
    ['eventSources.events.windowSeconds', { warmCache: { ...prod.warmCache, enabled: false } }],
    ['eventSources.events.windowSeconds', events({ batchSize: 11, windowSeconds: 0 })],
    ['functions.warmCache.timeoutSeconds', timeout('warmCache', 900)],
    ['retain', { retain: false }],
    ['ioDeadlineFactor', { ioDeadlineFactor: 2 }],
    ['cacheTls', { cacheTls: false }],
    ['eventSources.events.maxConcurrency', reserved('enrichBatch', prod.eventSources.events.maxConcurrency - 1)],
    [
      'eventSources.deliveries.maxConcurrency',
      reserved('deliverBatch', prod.eventSources.deliveries.maxConcurrency - 1),
    ],
    ['functions.deliverBatch.reservedConcurrency', reserved('deliverBatch', 901)],
    ['warehouse.columns.user', columns('USER_ID; DROP')],
    ['warehouse.table', { warehouse: { ...warehouse, table: 'a.b.c.d' } }],
    ['network.natGateways', { network: { natGateways: 3 } }],
    ['network.natGateways', { network: { natGateways: 0 } }],
    ['network.availabilityZones', zones('us-east-1a')],
    ['network.availabilityZones', zones('us-east-1a', 'us-east-1a')],
    ['network.availabilityZones', zones('us-east-1a', 'us-west-2b')],
    ['network.availabilityZones', zones('us-east-1a', 'us-east-1b', 'us-east-1c', 'us-east-1d')],
    ['network.availabilityZones', zones('us-east-1a', 'us-east-1')],
    ['network.availabilityZones', zones('use1-az1', 'us-east-1b')],
    ['network.availabilityZones', zones('us-east-1a', 'us-east-1-bos-1a')],
    [
      'network.availabilityZones',
      { ...zones('us-east-1a', 'us-east-1b'), env: { account: '111122223333', region: 'us-west-2' } },
    ],
    ['logRetentionDays', { logRetentionDays: 8 }],
    ['statusApi.requestsPerSecond', statusApi({ requestsPerSecond: 0 })],
    ['statusApi.burst', statusApi({ burst: 1001 })],
    ['statusApi.browsers.issuer', browsers({ issuer: 'http://identity.example' })],
    ['statusApi.browsers.issuer', browsers({ issuer: 'https://identity.example?realm=lms' })],
    ['statusApi.browsers.audiences', browsers({ audiences: [] })],
    ['statusApi.browsers.audiences.0', browsers({ audiences: [''] })],
    ['statusApi.browsers.origins.0', browsers({ origins: ['*'] })],
    ['statusApi.browsers.origins.0', browsers({ origins: ['https://lms.example/'] })],
    ['statusApi.browsers.origins.1', browsers({ origins: ['https://a.example', 'http://lms.example'] })],
    ['statusApi.browsers.enterpriseClaim', browsers({ enterpriseClaim: '' })],
    ['statusApi.browsers', browsers({ issuer: 'http://127.0.0.1:8080' })],
    ['statusApi.browsers', browsers({ origins: ['http://127.0.0.1:3000'] })],
  ])('rejects a wrong %s with one line', (path, change) => {
    const wrong = { ...prod, ...change } as Stage;
    expect(() => checkStage(wrong)).toThrow(new RegExp(`^stage prod: ${path.replaceAll('.', '\\.')}: [^\\n;]+$`));
  });

  test.each([
    way({ allowedPorts: [443, 8443, 10_443] }),
    reserved('deliverBatch', prod.eventSources.deliveries.maxConcurrency),
    timeout('deliverBatch', 39),
    timeout('deliverTask', 324),
    timeout('warmCache', 899),
    { warmCache: { enabled: true, activeDays: 366, maxRows: 1_000_000 } },
    // While few learners are in the cache, and without WarmCache.
    events({ batchSize: 100, windowSeconds: 1 }),
    { warmCache: { ...prod.warmCache, enabled: false }, ...events({ batchSize: 100, windowSeconds: 1 }) },
    { ledger: { ...prod.ledger, payloadDays: 20, factsDays: 20 } },
    { ledger: { ...prod.ledger, payloadDays: 365, factsDays: 3650 } },
    zones('us-east-1a', 'us-east-1c'),
    zones('us-gov-west-1a', 'us-gov-west-1b', 'us-gov-west-1c'),
    { network: { natGateways: 3, availabilityZones: ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'] } },
    { ...zones('us-west-2a', 'us-west-2b'), env: { account: '111122223333', region: 'us-west-2' } },
  ])('accepts %j', (change) => {
    expect(() => checkStage({ ...prod, ...change })).not.toThrow();
  });

  test('dev may allow plain HTTP, any network and deletion, but not a cache without TLS', () => {
    const dev = findStage('dev');
    const allowedCidrs = ['10.0.0.0/8', 'fd00::/8'];
    const open: Stage['partners'] = { allowPlainHttp: true, allowedCidrs, allowedPorts: 'any' };
    expect(() => checkStage({ ...dev, partners: open })).not.toThrow();
    expect(() => checkStage({ ...dev, cacheTls: false })).toThrow(/^stage dev: cacheTls/);
  });
});

/** Maximum of `timeout_seconds`. */
const MAX_ATTEMPT_SECONDS = integrationSchema.shape.timeout_seconds.unwrap().maxValue as number;

/** Duration of a service call that hangs, in seconds. */
const CALL = Object.fromEntries(
  Object.entries(CLIENT_WAITS).map(([use, { callMs }]) => [use, callMs / 1000]),
) as Record<keyof typeof CLIENT_WAITS, number>;

test('deployed stages have the deadline factor 1, which the timeouts assume', () => {
  const factors = STAGE_NAMES.map((name) => [name, findStage(name).ioDeadlineFactor]);
  expect(Object.fromEntries(factors)).toEqual({ local: 10, dev: 1, staging: 1, prod: 1 });
});

// With the factor 1; the local platform multiplies the timeouts too.
describe.each(STAGE_NAMES)('timeouts of %s are consistent', (name) => {
  const { functions } = findStage(name);
  const seconds = (fn: keyof typeof functions) => functions[fn].timeoutSeconds;

  test('a delivery ends before its function’s timeout if every call hangs', () => {
    const { firstConnectionMs, commandMs } = IO_DEADLINES.valkey;
    const limiter = (firstConnectionMs + 2 * commandMs) / 1000;
    const aroundAttempt =
      CALL.settings +
      CALL.ledger +
      2 * CALL.settings +
      limiter +
      1.5 +
      CALL.messages +
      CALL.messages +
      CALL.ledger +
      CALL.outcomes;
    // The operational event of a dead delivery follows a write that succeeded, and the outcomes queue one that failed.
    expect(CALL.notices).toBeLessThanOrEqual(CALL.outcomes);
    expect(CALL.messages + aroundAttempt + MAX_QUEUE_ATTEMPT_SECONDS).toBeLessThan(seconds('deliverBatch'));
    // A transition of the integration is stored, announced and marked while a batch passes its deliveries on.
    const announcement = 2 * CALL.ledger + CALL.notices;
    expect(announcement).toBeLessThan(2 * CALL.messages + CALL.ledger + CALL.outcomes);
    // A task sends no messages, announces before it settles, and reads its timer before and after the attempt.
    const task = aroundAttempt - 2 * CALL.messages + announcement + 3 * CALL.ledger;
    expect(task + MAX_ATTEMPT_SECONDS).toBeLessThan(seconds('deliverTask'));
  });

  test.each([
    // Integrations, then the secret: for the certificate's dates, and twice for the attempt.
    ['sendTest', 4 * CALL.settings + 30],
    ['checkWarehouse', CALL.settings + 45],
    ['enrichTask', 2 * CALL.settings + 0.9 + TASK_WAREHOUSE_DEADLINE_MS / 1000],
    ['rescueExecution', 2 * CALL.schedule + CALL.messages + CALL.notices],
    ['credentialAge', CALL.settings],
    // Flag or integrations, the marker, login and token: time for a query and rows is left.
    ['warmCache', CALL.settings + IO_DEADLINES.warming.firstConnectionMs / 1000 + 30 + WARM_RESERVE_MS / 1000],
    // 2,000 secrets, 50 at a time.
    ['certificateExpiry', CALL.settings + 40 * CALL.settings],
    ['featureStatus', CALL.settings],
    // The token, read twice for a wrong one, then the integrations and their metrics.
    ['webhookHealth', 3 * CALL.settings + CALL.metrics],
  ] as const)('so does %s, after %d s', (fn, longest) => expect(longest).toBeLessThan(seconds(fn)));

  test('a sweep records its progress even if its first calls and its last rescue hang', () => {
    const [rescue, write] = [2 * CALL.schedule + CALL.notices, CALL.schedule];
    expect((rescue + write) * 1000).toBeLessThan(RESERVE_MS);
    // Progress, and one page of each list.
    const before = 4 * CALL.schedule;
    expect(before + RESERVE_MS / 1000).toBeLessThan(seconds('sweepExecutions'));
  });

  test('a batch of events that starts workflows ends in time', () => {
    const lastStart = CALL.messages + 3 * CALL.ledger + CALL.outcomes + CALL.messages;
    expect(lastStart * 1000).toBeLessThan(SLOWEST_START_MS);
    const warehouse = BATCH_WAREHOUSE_DEADLINE_MS / 1000;
    const before = CALL.messages + CALL.settings + 3 * CALL.ledger + CALL.messages + warehouse;
    // Some are started even if every call hangs.
    expect(before + SLOWEST_START_MS / 1000).toBeLessThan(seconds('enrichBatch'));
  });

  test('an event that failed once is redelivered before the alarm on its age fires', () => {
    const { windowSeconds } = findStage(name).eventSources.events;
    expect(6 * seconds('enrichBatch') + windowSeconds).toBeLessThan(300);
  });

  test('the warehouse’s breaker probes before an event’s earliest retry', () => {
    const { openSeconds } = findStage(name).warehouse.breaker;
    const [earliest, latest] = [0, 1].map((random) => enrichmentDueAt(0, 1, () => random).getTime());
    expect(1.2 * openSeconds * 1000).toBeLessThan(earliest as number);
    // Spread over 12 s, so that waiting events do not retry in the same second.
    expect((latest as number) - (earliest as number)).toBeGreaterThanOrEqual(11_999);
  });

  test('a delivery that was parked after the longest execution still has its payload', () => {
    const parkedDays = LONGEST_PARKING_MS / (24 * 3600_000);
    expect(findStage(name).ledger.payloadDays).toBeGreaterThan(MAX_EXECUTION_DAYS + parkedDays);
  });
});
