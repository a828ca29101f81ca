import type { Message } from '@aws-sdk/client-sqs';
import type { SQSBatchResponse, SQSEvent, SQSMessageAttribute, SQSRecord } from 'aws-lambda';
import { REGION } from '../resolver.ts';

/** The event that Lambda builds of a batch of received messages. */
export function sqsEvent(messages: readonly Message[], queueArn: string): SQSEvent {
  return { Records: messages.map((message) => record(message, queueArn)) };
}

function record(message: Message, queueArn: string): SQSRecord {
  const attributes = Object.entries(message.MessageAttributes ?? {}).map(([name, value]) => {
    const { StringValue, BinaryValue, DataType = 'String' } = value;
    const lambdaShape: SQSMessageAttribute = {
      ...(StringValue !== undefined && { stringValue: StringValue }),
      ...(BinaryValue !== undefined && { binaryValue: Buffer.from(BinaryValue).toString('base64') }),
      stringListValues: [] as never[],
      binaryListValues: [] as never[],
      dataType: DataType as SQSMessageAttribute['dataType'],
    };
    return [name, lambdaShape] as const;
  });
  return {
    messageId: message.MessageId ?? '',
    receiptHandle: message.ReceiptHandle ?? '',
    body: message.Body ?? '',
    attributes: message.Attributes as unknown as SQSRecord['attributes'],
    messageAttributes: Object.fromEntries(attributes),
    md5OfBody: message.MD5OfBody ?? '',
    ...(message.MD5OfMessageAttributes !== undefined && { md5OfMessageAttributes: message.MD5OfMessageAttributes }),
    eventSource: 'aws:sqs',
    eventSourceARN: queueArn,
    awsRegion: REGION,
  };
}

/**
 * Ids of the failed messages of a batch, by Lambda's rules for partial batch responses: null or an empty list is success; an
 * invalid response, an empty id or an id that is not in the batch fails the whole batch.
 *
 * Source: "Reporting batch item failures", AWS Lambda Developer Guide.
 */
export function failedMessageIds(response: unknown, messageIds: readonly string[]): readonly string[] {
  if (response === null || response === undefined) return [];
  if (typeof response !== 'object' || Array.isArray(response)) return messageIds;
  const failures = (response as Partial<SQSBatchResponse>).batchItemFailures;
  if (failures === null || failures === undefined) return [];
  if (!Array.isArray(failures)) return messageIds;
  const failed = failures.map((failure: unknown) => (failure as { itemIdentifier?: unknown } | null)?.itemIdentifier);
  return failed.every((id) => typeof id === 'string' && messageIds.includes(id)) ? (failed as string[]) : messageIds;
}
