import { randomUUID } from 'node:crypto';
import type { Context, SQSRecord } from 'aws-lambda';
import type { AwsCall } from '../../local/aws-calls.ts';

/**
 * For tests that call a handler in their own process, with real clients: what Lambda gives it.
 */

/** What a function has of its own accord, and this process too. */
const NOT_OURS = new Set(['PATH', 'LANG', 'TZ']);

/** Sets a function's variables on this process. The handler's log and metrics would be noise here. */
export function wearEnvironment(variables: Readonly<Record<string, string>>): void {
  const worn = Object.entries(variables).filter(([name]) => !NOT_OURS.has(name));
  Object.assign(process.env, Object.fromEntries(worn), {
    POWERTOOLS_LOG_LEVEL: 'SILENT',
    POWERTOOLS_METRICS_DISABLED: 'true',
  });
}

/** The variables of a function that talks to one server only. */
export function variablesOf(endpoint: string): Record<string, string> {
  return {
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'local',
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_ENDPOINT_URL_SFN: endpoint,
    AWS_ENDPOINT_URL_SQS: endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: endpoint,
    EVENT_BUS_NAME: 'test',
    POWERTOOLS_SERVICE_NAME: 'test',
    POWERTOOLS_METRICS_NAMESPACE: 'test',
    IO_DEADLINE_FACTOR: '1',
  };
}

/** A minute is left. */
export const CONTEXT = { getRemainingTimeInMillis: () => 60_000 } as Context;

/** A message as Lambda's poller hands it over. */
export function sqsRecord(messageId: string, body: string, receives = 1, sentAtMs = Date.now()): SQSRecord {
  const attributes = {
    ApproximateReceiveCount: String(receives),
    SentTimestamp: String(sentAtMs),
    SenderId: 'test',
    ApproximateFirstReceiveTimestamp: String(Date.now()),
  };
  return {
    messageId,
    body,
    attributes,
    receiptHandle: randomUUID(),
    messageAttributes: {},
    md5OfBody: '',
    eventSource: 'aws:sqs',
    eventSourceARN: 'arn:aws:sqs:us-east-1:000000000000:queue',
    awsRegion: 'us-east-1',
  };
}

/** The visibility timeouts, in seconds, that a handler asked for: of one message, in the order of its requests. */
export function visibilityOf(receiptHandle: string, calls: readonly AwsCall[]): unknown[] {
  const changes = calls.flatMap(({ body }) => (body.Entries ?? [body]) as Record<string, unknown>[]);
  const own = changes.filter(
    ({ ReceiptHandle, VisibilityTimeout }) => ReceiptHandle === receiptHandle && VisibilityTimeout !== undefined,
  );
  return own.map(({ VisibilityTimeout }) => VisibilityTimeout);
}
