import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { Redis } from 'iovalkey';
import type { ConnectionOptions } from 'snowflake-sdk';
import type { ReceivedMessage } from '../../lambdas/shared/batch-intake.ts';
import { createSecretSource } from '../../lambdas/shared/secrets-manager.ts';
import { connectionOptions, loadSnowflakeSdk, type SnowflakeSdk } from '../../lambdas/warehouse/snowflake/sdk.ts';
import { snowflakeSecretSchema } from '../../lambdas/warehouse/snowflake-secret.ts';
import { cacheKeyOf, type SampleEvent } from './bare-loop.ts';

/** The specification's `LEARNING_TIME_CACHE_TTL`, in seconds. */
const TTL_SECONDS = 3600;

/** The specification's query. */
const QUERY = `SELECT SUM(LEARNING_TIME_SECONDS) AS total_learning_time
  FROM PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME
  WHERE USER_ID = ? AND COURSE_KEY = ? AND ENTERPRISE_CUSTOMER_UUID = ?`;

/**
 * The original specification's code as one worker runs it: for each event one lookup, on a miss a new connection to
 * Snowflake and one query, then one send. In the same language with the same clients; it sends to the same queue as our
 * path instead of `route_event`, and has no log lines.
 */
export async function createReference({ CACHE_PORT, DELIVERIES_QUEUE_URL: QueueUrl, ...variables }: NodeJS.ProcessEnv) {
  // Its values are plain numbers, unlike ours, so it uses other keys.
  const cache = new Redis({ host: '127.0.0.1', port: Number(CACHE_PORT), keyPrefix: 'reference:' });
  const client = new SQSClient();
  const sdk = await loadSnowflakeSdk();
  const options = await optionsOf(variables);

  async function learningTime(event: SampleEvent): Promise<number | undefined> {
    const key = cacheKeyOf(event);
    const cached = await cache.get(key);
    if (cached !== null) return Number(cached);
    const { user, course, enterprise } = event.payload;
    const binds = [Number(user.id), course.course_id, enterprise.enterprise_customer_uuid];
    const sum = await queryOnce(sdk, options, binds);
    await cache.set(key, sum ?? 0, 'EX', TTL_SECONDS);
    return sum;
  }

  return async (messages: readonly ReceivedMessage[]): Promise<void> => {
    for (const { body } of messages) {
      const event = JSON.parse(body) as SampleEvent;
      const seconds = await learningTime(event);
      const MessageBody = JSON.stringify({ ...event.payload, ...(seconds ? { learning_time: fields(seconds) } : {}) });
      await client.send(new SendMessageCommand({ QueueUrl, MessageBody }));
    }
  };
}

function fields(seconds: number) {
  const today = new Date().toISOString().slice(0, 10);
  return {
    total_seconds: seconds,
    total_hours: Math.round((seconds / 3600) * 100) / 100,
    last_updated: `${today}T00:00:00Z`,
  };
}

async function optionsOf(variables: NodeJS.ProcessEnv): Promise<ConnectionOptions> {
  const secrets = createSecretSource({
    client: new SecretsManagerClient(),
    secretId: String(variables.SNOWFLAKE_SECRET_ID),
    parse: snowflakeSecretSchema,
    log: console,
  });
  const warehouse = String(variables.SNOWFLAKE_WAREHOUSE);
  return connectionOptions(await secrets.read(), { warehouse, role: 'ANALYST', queryTag: 'reference' });
}

/** Connects, queries and disconnects. @throws the SDK's error */
async function queryOnce(sdk: SnowflakeSdk, options: ConnectionOptions, binds: (string | number)[]) {
  const connection = sdk.createConnection(options);
  await new Promise<void>((resolve, reject) => connection.connect((error) => (error ? reject(error) : resolve())));
  try {
    return await new Promise<number | undefined>((resolve, reject) => {
      connection.execute({
        sqlText: QUERY,
        binds,
        complete: (error, _, rows) => {
          const sum = rows?.[0]?.TOTAL_LEARNING_TIME;
          if (error) reject(error);
          else resolve(sum === undefined || sum === null ? undefined : Number(sum));
        },
      });
    });
  } finally {
    await new Promise<void>((resolve, reject) => connection.destroy((error) => (error ? reject(error) : resolve())));
  }
}
