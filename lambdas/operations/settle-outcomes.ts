import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { Context, SQSBatchResponse, SQSEvent } from 'aws-lambda';
import { openClient } from '../adapters/aws-clients.ts';
import { type IntakeServices, intake } from '../adapters/batch-intake.ts';
import { settleLate } from '../adapters/dynamodb/claim-and-settle.ts';
import { createLedgerTable } from '../adapters/dynamodb/ledger-table.ts';
import { createCounter } from '../adapters/metrics.ts';
import { createQueues } from '../adapters/sqs.ts';
import { readEnvironment, settleOutcomesEnvironment } from '../contract/environment.ts';
import { ioDeadlines } from '../contract/io-deadlines.ts';
import { deadLetterMessage } from '../domain/dead-letter.ts';
import { type SettleMessagesServices, settleMessages } from './settle-messages.ts';

let services: ReturnType<typeof createServices> | undefined;

/** Called by SQS with a batch of the outcomes queue. */
export async function handler(event: SQSEvent, context: Context): Promise<SQSBatchResponse> {
  services ??= createServices(process.env);
  const { settling, receiving, counter } = services;
  try {
    return await intake(
      event.Records,
      (messages) => settleMessages(messages, settling),
      receiving,
      () => context.getRemainingTimeInMillis(),
    );
  } finally {
    counter.publish();
  }
}

/** On a cold start only. */
function createServices(variables: NodeJS.ProcessEnv) {
  const environment = readEnvironment(settleOutcomesEnvironment, variables);
  const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
  const log = new Logger();
  const counter = createCounter(new Metrics());
  const queues = createQueues({ client: openClient(SQSClient, deadlines.clients.messages), log });
  const table = createLedgerTable({
    client: openClient(DynamoDBClient, deadlines.clients.ledger),
    tableName: environment.LEDGER_TABLE_NAME,
    payloadDays: environment.LEDGER_PAYLOAD_DAYS,
    factsDays: environment.LEDGER_FACTS_DAYS,
  });
  const claimedBy = environment.AWS_LAMBDA_LOG_STREAM_NAME;
  const settling: SettleMessagesServices = {
    settle: (outcome) => settleLate(outcome, { table, claimedBy, now: Date.now }),
    deadLetter: (messages) => queues.send(environment.OUTCOMES_DEAD_LETTER_QUEUE_URL, messages.map(deadLetterMessage)),
    log,
    counter,
  };
  const receiving: IntakeServices = {
    log,
    now: Date.now,
    // A read and a write in a table that hangs, 2 s each.
    slowestMs: 5_000,
    hide: (receiptHandle, seconds) => queues.hide(environment.OUTCOMES_QUEUE_URL, receiptHandle, seconds),
    deadLetter: settling.deadLetter,
  };
  return { settling, receiving, counter };
}
