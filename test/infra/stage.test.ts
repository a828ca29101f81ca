import { describe, expect, test } from '@jest/globals';
import { MAX_QUEUE_TRY_SECONDS } from '../../lambdas/contract/integration.ts';
import { findStage, STAGE_NAMES } from '../../lib/stage.ts';
import { checkStage, type Stage } from '../../lib/stage-schema.ts';

describe('findStage', () => {
  test.each([undefined, 'test', '', 'LOCAL', 7, null, {}])('refuses %p in one line that lists the stages', (name) => {
    expect(() => findStage(name)).toThrow(
      /^[^\n]*choose one with -c stage=local or -c stage=dev or -c stage=staging or -c stage=prod$/,
    );
  });

  test('local is nobody’s account, and may be plain; dev is neither', () => {
    expect(findStage('local')).toMatchObject({
      env: { account: '000000000000' },
      allowPlainHttp: true,
      cacheTls: false,
    });
    expect(findStage('dev')).toMatchObject({ allowPlainHttp: false, cacheTls: true });
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

describe('checkStage', () => {
  const prod = findStage('prod');
  const { functions, warehouse } = prod;
  const reserved = (id: 'enrichBatch' | 'deliverBatch', reservedConcurrency: number) => ({
    functions: { ...functions, [id]: { ...functions[id], reservedConcurrency } },
  });
  const columns = (column: string) => ({
    warehouse: { ...warehouse, columns: { ...warehouse.columns, user: column } },
  });

  test.each<[string, object]>([
    ['allowPlainHttp', { allowPlainHttp: true }],
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
    ['logRetentionDays', { logRetentionDays: 8 }],
  ])('refuses a wrong %s in one line', (path, change) => {
    const wrong = { ...prod, ...change } as Stage;
    expect(() => checkStage(wrong)).toThrow(new RegExp(`^stage prod: ${path.replaceAll('.', '\\.')}: [^\\n;]+$`));
  });

  test('a mapping may use all that its function has reserved', () => {
    const { maxConcurrency } = prod.eventSources.deliveries;
    expect(() => checkStage({ ...prod, ...reserved('deliverBatch', maxConcurrency) })).not.toThrow();
  });

  test('dev may be plain and may go; it must speak TLS to its cache', () => {
    const dev = findStage('dev');
    expect(() => checkStage({ ...dev, allowPlainHttp: true })).not.toThrow();
    expect(() => checkStage({ ...dev, cacheTls: false })).toThrow(/^stage dev: cacheTls/);
  });
});

describe.each(STAGE_NAMES)('timeouts of %s fit each other', (name) => {
  const { functions } = findStage(name);
  const seconds = (fn: keyof typeof functions) => functions[fn].timeoutSeconds;

  test('a partner’s try, then the function, then the state', () => {
    expect(MAX_QUEUE_TRY_SECONDS).toBeLessThan(seconds('deliverBatch'));
    expect(300).toBeLessThan(seconds('deliverTask'));
  });

  test('the warehouse’s deadline, 10 s in a batch and 30 s in a task, then the function', () => {
    expect(10).toBeLessThan(seconds('enrichBatch'));
    expect(30).toBeLessThan(seconds('enrichTask'));
  });
});
