import { describe, expect, test } from '@jest/globals';
import { failedMessageIds, sqsEvent } from '../../../local/lambda/sqs-event.ts';

describe('failedMessageIds', () => {
  const ids = ['a', 'b', 'c'];

  test.each([
    ['nothing', null],
    ['an empty list', { batchItemFailures: [] }],
    ['no list', { batchItemFailures: null }],
  ])('%s is success', (_name, response) => {
    expect(failedMessageIds(response, ids)).toEqual([]);
  });

  test('the listed messages failed', () => {
    expect(failedMessageIds({ batchItemFailures: [{ itemIdentifier: 'b' }] }, ids)).toEqual(['b']);
  });

  test.each([
    ['an id that is not in the batch', { batchItemFailures: [{ itemIdentifier: 'a' }, { itemIdentifier: 'x' }] }],
    ['an empty id', { batchItemFailures: [{ itemIdentifier: '' }] }],
    ['another key', { batchItemFailures: [{ messageId: 'a' }] }],
    ['an id without its object', { batchItemFailures: ['a'] }],
    ['text', 'done'],
  ])('%s fails the whole batch', (_name, response) => {
    expect(failedMessageIds(response, ids)).toEqual(ids);
  });
});

test('sqsEvent writes records as Lambda does', () => {
  const message = {
    MessageId: 'a',
    ReceiptHandle: 'r',
    Body: '{}',
    MD5OfBody: 'm',
    MD5OfMessageAttributes: 'n',
    Attributes: { ApproximateReceiveCount: '2', SentTimestamp: '1' },
    MessageAttributes: {
      reason: { DataType: 'String', StringValue: 'late' },
      raw: { DataType: 'Binary', BinaryValue: new Uint8Array([1, 2]) },
    },
  };
  expect(sqsEvent([message], 'arn:queue')).toEqual({
    Records: [
      {
        messageId: 'a',
        receiptHandle: 'r',
        body: '{}',
        attributes: { ApproximateReceiveCount: '2', SentTimestamp: '1' },
        messageAttributes: {
          reason: { stringValue: 'late', stringListValues: [], binaryListValues: [], dataType: 'String' },
          raw: { binaryValue: 'AQI=', stringListValues: [], binaryListValues: [], dataType: 'Binary' },
        },
        md5OfBody: 'm',
        md5OfMessageAttributes: 'n',
        eventSource: 'aws:sqs',
        eventSourceARN: 'arn:queue',
        awsRegion: 'us-east-1',
      },
    ],
  });
});
