import { describe, expect, test } from '@jest/globals';
import { LEDGER_CLIENT_OPTIONS } from '../../lambdas/adapters/dynamodb/client-options.ts';
import { MAX_EXECUTION_DAYS } from '../../lambdas/contract/delivery.ts';
import { integrationSchema, MAX_QUEUE_TRY_SECONDS } from '../../lambdas/contract/integration.ts';
import { MIN_LEASE_SECONDS } from '../../lambdas/contract/ledger.ts';
import { LONGEST_PARKING_MS } from '../../lambdas/domain/balance.ts';
import { enrichmentDueAt } from '../../lambdas/domain/retry-timing.ts';
import { STARTS_AT_ONCE } from '../../lambdas/enrichment/start-workflows.ts';
import { findStage, STAGE_NAMES } from '../../lib/stage.ts';
import { checkStage, type Stage } from '../../lib/stage-schema.ts';

describe('findStage', () => {
  test.each([undefined, 'test', '', 'LOCAL', 7, null, {}])('refuses %p in one line that lists the stages', (name) => {
    expect(() => findStage(name)).toThrow(
      /^[^\n]*choose one with -c stage=local or -c stage=dev or -c stage=staging or -c stage=prod$/,
    );
  });

  test('local is nobody’s account, may be plain, and reaches loopback on any port; dev does none of it', () => {
    expect(findStage('local')).toMatchObject({
      env: { account: '000000000000' },
      partners: { allowPlainHttp: true, allowedCidrs: ['127.0.0.0/8', '::1/128'], allowedPorts: 'any' },
      cacheTls: false,
    });
    expect(findStage('dev')).toMatchObject({
      partners: { allowPlainHttp: false, allowedCidrs: [], allowedPorts: [443, 8443] },
      cacheTls: true,
    });
    expect(findStage('dev')).not.toHaveProperty('env');
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
    'lms',
    'sqs.amazonaws.com',
  ])('refuses the publisher %s in one line', (principal) => {
    expect(() => findStage('prod', { publisherPrincipals: principal })).toThrow(
      `stage prod: publisherPrincipals.0: "${principal}" is neither an account id of 12 digits nor the ARN of an IAM role or user`,
    );
  });

  test.each([7, null, { a: 1 }, true])('refuses %j as publishers in one line', (publisherPrincipals) => {
    expect(() => findStage('prod', { publisherPrincipals })).toThrow(/^stage prod: publisherPrincipals: [^\n]+$/);
  });
});

test('zones from the command line: in place of the stage’s own, and cut by commas', () => {
  expect(findStage('prod', { availabilityZones: 'us-east-1b, us-east-1d' }).network).toEqual({
    ...findStage('prod').network,
    availabilityZones: ['us-east-1b', 'us-east-1d'],
  });
  expect(() => findStage('prod', { availabilityZones: 'use1-az1,us-east-1d' })).toThrow(
    'stage prod: network.availabilityZones: "use1-az1" is no name of an availability zone, such as us-east-1a',
  );
});

describe('checkStage', () => {
  const prod = findStage('prod');
  const { functions, partners, warehouse } = prod;
  const way = (change: object) => ({ partners: { ...partners, ...change } });
  const timeout = (id: 'deliverBatch' | 'deliverTask', timeoutSeconds: number) => ({
    functions: { ...functions, [id]: { ...functions[id], timeoutSeconds } },
  });
  const reserved = (id: 'enrichBatch' | 'deliverBatch', reservedConcurrency: number) => ({
    functions: { ...functions, [id]: { ...functions[id], reservedConcurrency } },
  });
  const zones = (...availabilityZones: string[]) => ({ network: { natGateways: 2, availabilityZones } });
  const columns = (column: string) => ({
    warehouse: { ...warehouse, columns: { ...warehouse.columns, user: column } },
  });

  test.each<[string, object]>([
    ['partners.allowPlainHttp', way({ allowPlainHttp: true })],
    ['partners.allowedCidrs', way({ allowedCidrs: ['203.0.113.0/24'] })],
    ['partners.allowedCidrs.1', way({ allowedCidrs: ['10.0.0.0/8', '10.0.0.1'] })],
    ['partners.allowedCidrs.0', way({ allowedCidrs: ['10.0.0.0/33'] })],
    ['partners.allowedCidrs.0', way({ allowedCidrs: ['fd00::/129'] })],
    ['partners.allowedCidrs.0', way({ allowedCidrs: ['10.0.0.0/8,::/0'] })],
    ['partners.allowedPorts', way({ allowedPorts: 'any' })],
    ['partners.allowedPorts', way({ allowedPorts: [] })],
    ['partners.allowedPorts.1', way({ allowedPorts: [443, 65_536] })],
    ['partners.allowedPorts.0', way({ allowedPorts: [0] })],
    ['partners.allowedPorts', way({ allowedPorts: 'all' })],
    ['functions.deliverBatch.timeoutSeconds', timeout('deliverBatch', 26)],
    ['functions.deliverBatch.timeoutSeconds', timeout('deliverBatch', MIN_LEASE_SECONDS)],
    ['functions.deliverTask.timeoutSeconds', timeout('deliverTask', 311)],
    ['ledger.payloadDays', { ledger: { payloadDays: 19, factsDays: 400 } }],
    ['ledger.payloadDays', { ledger: { payloadDays: 366, factsDays: 400 } }],
    ['ledger.payloadDays', { ledger: { payloadDays: 30.5, factsDays: 400 } }],
    ['ledger.factsDays', { ledger: { payloadDays: 30, factsDays: 29 } }],
    ['ledger.factsDays', { ledger: { payloadDays: 30, factsDays: 3651 } }],
    ['retain', { retain: false }],
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
  ])('refuses a wrong %s in one line', (path, change) => {
    const wrong = { ...prod, ...change } as Stage;
    expect(() => checkStage(wrong)).toThrow(new RegExp(`^stage prod: ${path.replaceAll('.', '\\.')}: [^\\n;]+$`));
  });

  test('names every fault of prod’s way to partners in that line, and says why', () => {
    const open: Stage['partners'] = { allowPlainHttp: true, allowedCidrs: ['10.0.0.0/8'], allowedPorts: 'any' };
    expect(() => checkStage({ ...prod, partners: open })).toThrow(
      new Error(
        'stage prod: partners.allowPlainHttp: plain HTTP would show learners’ data to everyone on the way: never in prod; ' +
          'partners.allowedCidrs: partners are on public addresses: no other network may be reached in prod; ' +
          'partners.allowedPorts: prod lists the ports that partners use, one by one',
      ),
    );
  });

  test('prod may list more ports', () => {
    expect(() => checkStage({ ...prod, ...way({ allowedPorts: [443, 8443, 10_443] }) })).not.toThrow();
  });

  test('a mapping may use all that its function has reserved', () => {
    const { maxConcurrency } = prod.eventSources.deliveries;
    expect(() => checkStage({ ...prod, ...reserved('deliverBatch', maxConcurrency) })).not.toThrow();
  });

  test.each([
    timeout('deliverBatch', 27),
    timeout('deliverBatch', MIN_LEASE_SECONDS - 1),
    timeout('deliverTask', 312),
    { ledger: { payloadDays: 20, factsDays: 20 } },
    { ledger: { payloadDays: 365, factsDays: 3650 } },
    zones('us-east-1a', 'us-east-1c'),
    zones('us-gov-west-1a', 'us-gov-west-1b', 'us-gov-west-1c'),
    { network: { natGateways: 3, availabilityZones: ['eu-central-1a', 'eu-central-1b', 'eu-central-1c'] } },
    { ...zones('us-west-2a', 'us-west-2b'), env: { account: '111122223333', region: 'us-west-2' } },
  ])('takes %j', (change) => {
    expect(() => checkStage({ ...prod, ...change })).not.toThrow();
  });

  test('dev may be plain, open and may go; it must speak TLS to its cache', () => {
    const dev = findStage('dev');
    const allowedCidrs = ['10.0.0.0/8', 'fd00::/8'];
    const open: Stage['partners'] = { allowPlainHttp: true, allowedCidrs, allowedPorts: 'any' };
    expect(() => checkStage({ ...dev, partners: open })).not.toThrow();
    expect(() => checkStage({ ...dev, cacheTls: false })).toThrow(/^stage dev: cacheTls/);
  });
});

/** As the contract bounds `timeout_seconds`. */
const LONGEST_TRY_SECONDS = integrationSchema.shape.timeout_seconds.unwrap().maxValue as number;

/** A call of a table that hangs: two tries of a second. */
const { maxAttempts, requestHandler } = LEDGER_CLIENT_OPTIONS;
const LEDGER_CALL_SECONDS = (maxAttempts * requestHandler.requestTimeout) / 1000;

describe.each(STAGE_NAMES)('timeouts of %s fit each other', (name) => {
  const { functions } = findStage(name);
  const seconds = (fn: keyof typeof functions) => functions[fn].timeoutSeconds;

  test('configuration, claim, secret, a reserved moment, a partner’s try and writing it down, then the function', () => {
    const besidesTry = 3 + LEDGER_CALL_SECONDS + 3 + 1.5 + LEDGER_CALL_SECONDS;
    expect(besidesTry + MAX_QUEUE_TRY_SECONDS).toBe(26.5);
    expect(besidesTry + LONGEST_TRY_SECONDS).toBe(311.5);
    expect(26.5).toBeLessThan(seconds('deliverBatch'));
    expect(311.5).toBeLessThan(seconds('deliverTask'));
  });

  test('whoever holds the shortest lease is alive', () => {
    expect(seconds('deliverBatch')).toBeLessThan(MIN_LEASE_SECONDS);
  });

  test('configuration, the ledger three times, the warehouse and three rounds of notes, then a batch of events', () => {
    const { batchSize } = findStage(name).eventSources.events;
    const rounds = Math.ceil(batchSize / STARTS_AT_ONCE);
    expect(3 + 3 * LEDGER_CALL_SECONDS + 0.2 + 10 + rounds * LEDGER_CALL_SECONDS).toBeLessThan(seconds('enrichBatch'));
  });

  test('a breaker’s longest open time, then an event’s earliest retry', () => {
    const { openSeconds } = findStage(name).warehouse.breaker;
    const [earliest, latest] = [0, 1].map((random) => enrichmentDueAt(0, 1, () => random).getTime());
    expect(1.2 * openSeconds * 1000).toBeLessThan(earliest as number);
    // Spread over twelve seconds, so that what waits does not come back in the same one.
    expect((latest as number) - (earliest as number)).toBeGreaterThanOrEqual(11_999);
  });

  test('the warehouse’s deadline, 30 s in a task, then the function', () => {
    expect(30).toBeLessThan(seconds('enrichTask'));
  });

  test('what the workflow carried for as long as it may, and was parked then, still has its payload', () => {
    const parkedDays = LONGEST_PARKING_MS / (24 * 3600_000);
    expect(findStage(name).ledger.payloadDays).toBeGreaterThan(MAX_EXECUTION_DAYS + parkedDays);
  });
});
