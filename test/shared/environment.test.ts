import { expect, test } from '@jest/globals';
import * as z from 'zod';
import * as environments from '../../lambdas/shared/environment.ts';
import { FEATURE_OVERRIDE } from '../../lambdas/shared/environment.ts';
import { EnvironmentInvalid } from '../../lambdas/shared/errors.ts';

/** A valid value of each variable of any function. */
const VALUES: Record<string, string> = {
  POWERTOOLS_SERVICE_NAME: 'service',
  POWERTOOLS_METRICS_NAMESPACE: 'namespace',
  IO_DEADLINE_FACTOR: '1',
  APPCONFIG_APPLICATION_ID: 'app1234',
  FLAGS_ENVIRONMENT_ID: 'env1234',
  FLAGS_PROFILE_ID: 'prf1234',
  [FEATURE_OVERRIDE]: 'true',
  INTEGRATIONS_ENVIRONMENT_ID: 'env5678',
  INTEGRATIONS_PROFILE_ID: 'prf5678',
  CACHE_HOST: 'cache.example',
  CACHE_PORT: '6379',
  CACHE_TLS: 'true',
  SLOW_ENDPOINT_ATTEMPTS: '10',
  SENDING_ENVIRONMENTS: '20',
  SNOWFLAKE_SECRET_ID: '/dev/snowflake',
  SNOWFLAKE_WAREHOUSE: 'COMPUTE_WH',
  SNOWFLAKE_ROLE: 'READER',
  SNOWFLAKE_QUERY_TAG: 'learning-time-webhooks/local/enrich-batch',
  WAREHOUSE_FAILURES_TO_OPEN: '3',
  WAREHOUSE_OPEN_SECONDS: '10',
  WAREHOUSE_SLOW_SECONDS: '8',
  LEARNING_TIME_TABLE: 'PROD.ENTERPRISE.LEARNING_TIME',
  LEARNING_TIME_USER_COLUMN: 'USER_ID',
  LEARNING_TIME_COURSE_COLUMN: 'COURSERUN_KEY',
  LEARNING_TIME_ENTERPRISE_COLUMN: 'ENTERPRISE_CUSTOMER_UUID',
  LEARNING_TIME_DATE_COLUMN: 'DATE',
  LEARNING_TIME_ENTERPRISE_FORM: 'lower',
  LEARNING_TIME_SECONDS_COLUMN: 'LEARNING_TIME_SECONDS',
  ALLOW_PLAIN_HTTP: 'false',
  ALLOWED_CIDRS: '10.1.0.0/16,fd00::/8',
  ALLOWED_PORTS: '443,8443',
  INTEGRATION_SECRETS_PREFIX: '/dev/integrations/',
  EVENTS_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/000000000000/events',
  EVENTS_DEAD_LETTER_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/000000000000/events-dead',
  DELIVERIES_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/000000000000/deliveries',
  DELIVERIES_DEAD_LETTER_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/000000000000/deliveries-dead',
  STATE_MACHINE_ARN: 'arn:aws:states:us-east-1:000000000000:stateMachine:retry',
  LEDGER_TABLE_NAME: 'ledger',
  LEDGER_PAYLOAD_DAYS: '30',
  LEDGER_FACTS_DAYS: '400',
  LEDGER_FAILURES_TO_OPEN: '5',
  LEDGER_OPEN_SECONDS: '10',
  LEDGER_SLOW_MILLISECONDS: '1000',
  OUTCOMES_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/000000000000/outcomes',
  OUTCOMES_DEAD_LETTER_QUEUE_URL: 'https://sqs.us-east-1.amazonaws.com/000000000000/outcomes-dead',
  CACHE_MAX_ECPU_PER_SECOND: '5000',
  WARM_ACTIVE_DAYS: '14',
  WARM_MAX_ROWS: '1000000',
  AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/15/[1]abc',
  AWS_REGION: 'us-east-1',
  AWS_ENDPOINT_URL_DYNAMODB: 'http://127.0.0.1:8000',
  EVENT_BUS_NAME: 'stage-bus',
  ENTERPRISE_CLAIM: 'enterprise_customer_uuid',
  METRICS_TOKEN_SECRET_ID: '/dev/metrics-token',
};

const { deliverTaskEnvironment, enrichBatchEnvironment, enrichTaskEnvironment, readEnvironment, TABLE_IDENTIFIER } =
  environments;
const SCHEMAS = Object.entries<unknown>(environments).flatMap(([name, schema]): [string, z.ZodObject][] =>
  schema instanceof z.ZodObject ? [[name, schema]] : [],
);

/** The address guard usually has no exceptions, and a stage may have no claim that names the enterprise. */
const MAY_BE_EMPTY = ['ALLOWED_CIDRS', 'ENTERPRISE_CLAIM'];

/** Lambda sets the first, and only a developer and the local platform set the others. */
const MAY_BE_MISSING = ['AWS_LAMBDA_LOG_STREAM_NAME', FEATURE_OVERRIDE, 'AWS_ENDPOINT_URL_DYNAMODB'];

test.each(SCHEMAS)('%s has the function’s variables, and names each that is missing or empty', (_function, schema) => {
  const names = Object.keys(schema.shape);
  const read = readEnvironment(schema, VALUES);
  expect(Object.keys(read).toSorted()).toEqual(names.toSorted());
  for (const name of names.filter((each) => !MAY_BE_MISSING.includes(each))) {
    for (const value of MAY_BE_EMPTY.includes(name) ? [undefined] : [undefined, '']) {
      expect(() => readEnvironment(schema, { ...VALUES, [name]: value })).toThrow(`${name}: `);
    }
  }
});

test('an invalid environment is an error that names each variable, and repeats no value', () => {
  const names = ['CACHE_PORT', 'CACHE_TLS', 'SNOWFLAKE_ROLE', 'LEARNING_TIME_TABLE', 'EVENTS_QUEUE_URL'];
  const wrong = { ...VALUES, ...Object.fromEntries(names.map((name) => [name, 'hunter2; DROP TABLE'])) };
  const read = () => readEnvironment(enrichBatchEnvironment, wrong);
  expect(read).toThrow(EnvironmentInvalid);
  for (const name of names) expect(read).toThrow(`${name}: `);
  expect(read).not.toThrow(/hunter2|CACHE_HOST/);
});

test('numbers, booleans and lists are parsed', () => {
  expect(readEnvironment(enrichTaskEnvironment, VALUES)).toMatchObject({ CACHE_PORT: 6379, CACHE_TLS: true });
  expect(readEnvironment(deliverTaskEnvironment, VALUES)).toMatchObject({
    ALLOW_PLAIN_HTTP: false,
    ALLOWED_CIDRS: ['10.1.0.0/16', 'fd00::/8'],
    ALLOWED_PORTS: [443, 8443],
  });
  const open = { ...VALUES, ALLOWED_CIDRS: '', ALLOWED_PORTS: 'any' };
  expect(readEnvironment(deliverTaskEnvironment, open)).toMatchObject({ ALLOWED_CIDRS: [], ALLOWED_PORTS: 'any' });
});

test.each([
  ...['*', 'ANY', '443,', '443;8443', '443, 8443', '-1', 'https'].map((value) => ['ALLOWED_PORTS', value]),
  // Ids after another prefix would name other secrets.
  ...['dev/integrations/', '/dev/integrations', '/'].map((value) => ['INTEGRATION_SECRETS_PREFIX', value]),
  // A permission is never guessed.
  ...['TRUE', '1', 'yes', 'on'].map((value) => ['ALLOW_PLAIN_HTTP', value]),
  ...['0', '65536', '6379.5', '-1', 'six', ' '].map((value) => ['CACHE_PORT', value]),
])('%s is not %j', (name = '', value) => {
  const schema = name === 'CACHE_PORT' ? enrichTaskEnvironment : deliverTaskEnvironment;
  expect(() => readEnvironment<unknown>(schema, { ...VALUES, [name]: value })).toThrow(`${name}: `);
});

test('a table has one to three identifiers', () => {
  for (const name of ['LEARNING_TIME', 'ENTERPRISE.LEARNING_TIME', 'PROD.ENTERPRISE.LEARNING_TIME', '_a$1']) {
    expect(name).toMatch(TABLE_IDENTIFIER);
  }
  const wrong = ['A.B.C.D', '.A', 'A.', 'A B', 'A;B', 'A--B', '"A"', "A'", '1A', 'A\n', 'É', 'A'.repeat(256)];
  for (const name of wrong) expect(name).not.toMatch(TABLE_IDENTIFIER);
});
