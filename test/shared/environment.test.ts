import { describe, expect, test } from '@jest/globals';
import * as z from 'zod';
import * as environments from '../../lambdas/shared/environment.ts';
import { FEATURE_OVERRIDE } from '../../lambdas/shared/environment.ts';
import { EnvironmentInvalid } from '../../lambdas/shared/errors.ts';

/** One value that fits for each variable, in some function's environment. */
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
  AWS_LAMBDA_LOG_STREAM_NAME: '2026/01/15/[1]abc',
  ENTERPRISE_CLAIM: 'enterprise_customer_uuid',
  METRICS_TOKEN_SECRET_ID: '/dev/metrics-token',
};

const { deliverTaskEnvironment, enrichBatchEnvironment, enrichTaskEnvironment, readEnvironment, TABLE_IDENTIFIER } =
  environments;
const SCHEMAS = Object.entries<unknown>(environments).flatMap(([name, schema]): [string, z.ZodObject][] =>
  schema instanceof z.ZodObject ? [[name, schema]] : [],
);

/** What may be empty: no exception from the address guard is the rule, and a claim that names the enterprise is not. */
const MAY_BE_EMPTY = ['ALLOWED_CIDRS', 'ENTERPRISE_CLAIM'];

/** What Lambda sets itself, and what a developer alone does. */
const MAY_BE_MISSING = ['AWS_LAMBDA_LOG_STREAM_NAME', FEATURE_OVERRIDE];

describe.each(SCHEMAS)('%s', (_function, schema) => {
  const names = Object.keys(schema.shape);

  test('is read with its own variables, whatever else Lambda sets', () => {
    const own = Object.fromEntries(names.map((name) => [name, VALUES[name]]));
    const read = readEnvironment(schema, { ...own, AWS_REGION: 'us-east-1', PATH: '/usr/bin' });
    expect(Object.keys(read).toSorted()).toEqual(names.toSorted());
  });

  test.each(names.filter((name) => !MAY_BE_MISSING.includes(name)))('names %s where it is missing or empty', (name) => {
    for (const value of MAY_BE_EMPTY.includes(name) ? [undefined] : [undefined, '']) {
      expect(() => readEnvironment(schema, { ...VALUES, [name]: value })).toThrow(EnvironmentInvalid);
      expect(() => readEnvironment(schema, { ...VALUES, [name]: value })).toThrow(`${name}: `);
    }
  });
});

describe('an environment that does not fit', () => {
  test('is named variable by variable, and no value is repeated', () => {
    const wrong = {
      ...VALUES,
      CACHE_PORT: 'hunter2',
      CACHE_TLS: 'hunter2',
      SNOWFLAKE_ROLE: 'hunter2; DROP TABLE',
      LEARNING_TIME_TABLE: 'hunter2 hunter2',
      EVENTS_QUEUE_URL: 'hunter2',
    };
    const message = messageOf(() => readEnvironment(enrichBatchEnvironment, wrong));
    for (const name of ['CACHE_PORT', 'CACHE_TLS', 'SNOWFLAKE_ROLE', 'LEARNING_TIME_TABLE', 'EVENTS_QUEUE_URL']) {
      expect(message).toContain(`${name}: `);
    }
    expect(message).not.toContain('hunter2');
    expect(message).not.toContain('CACHE_HOST');
  });
});

describe('values', () => {
  test('are numbers and booleans where the code wants them', () => {
    expect(readEnvironment(enrichTaskEnvironment, VALUES)).toMatchObject({ CACHE_PORT: 6379, CACHE_TLS: true });
    expect(readEnvironment(deliverTaskEnvironment, VALUES)).toMatchObject({ ALLOW_PLAIN_HTTP: false });
  });

  test('are lists where they are cut by commas', () => {
    expect(readEnvironment(deliverTaskEnvironment, VALUES)).toMatchObject({
      ALLOWED_CIDRS: ['10.1.0.0/16', 'fd00::/8'],
      ALLOWED_PORTS: [443, 8443],
    });
    const open = { ...VALUES, ALLOWED_CIDRS: '', ALLOWED_PORTS: 'any' };
    expect(readEnvironment(deliverTaskEnvironment, open)).toMatchObject({ ALLOWED_CIDRS: [], ALLOWED_PORTS: 'any' });
  });

  test.each(['*', 'ANY', '443,', '443;8443', '443, 8443', '-1', 'https'])('%j are no ports', (ALLOWED_PORTS) => {
    expect(() => readEnvironment(deliverTaskEnvironment, { ...VALUES, ALLOWED_PORTS })).toThrow('ALLOWED_PORTS: ');
  });

  test.each(['dev/integrations/', '/dev/integrations', '/'])(
    '%j is no prefix of secrets: ids after it would name others',
    (INTEGRATION_SECRETS_PREFIX) => {
      expect(() => readEnvironment(deliverTaskEnvironment, { ...VALUES, INTEGRATION_SECRETS_PREFIX })).toThrow(
        'INTEGRATION_SECRETS_PREFIX: ',
      );
    },
  );

  test.each(['0', '65536', '6379.5', '-1', 'six', ' '])('%s is no port', (CACHE_PORT) => {
    expect(() => readEnvironment(enrichTaskEnvironment, { ...VALUES, CACHE_PORT })).toThrow('CACHE_PORT: ');
  });

  test.each(['TRUE', '1', 'yes', 'on'])(
    '%s is neither true nor false: a permission is never guessed',
    (ALLOW_PLAIN_HTTP) => {
      expect(() => readEnvironment(deliverTaskEnvironment, { ...VALUES, ALLOW_PLAIN_HTTP })).toThrow(
        'ALLOW_PLAIN_HTTP: ',
      );
    },
  );

  test.each(['LEARNING_TIME', 'ENTERPRISE.LEARNING_TIME', 'PROD.ENTERPRISE.LEARNING_TIME', '_a$1'])(
    '%s may be written into a query as a table',
    (name) => {
      expect(name).toMatch(TABLE_IDENTIFIER);
    },
  );

  test.each(['A.B.C.D', '.A', 'A.', 'A B', 'A;B', 'A--B', '"A"', "A'", '1A', 'A\n', 'É', 'A'.repeat(256)])(
    '%j may not',
    (name) => {
      expect(name).not.toMatch(TABLE_IDENTIFIER);
    },
  );
});

function messageOf(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    return (thrown as Error).message;
  }
  throw new Error('nothing was thrown');
}
