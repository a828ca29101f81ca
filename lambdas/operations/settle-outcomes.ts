import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SQSClient } from '@aws-sdk/client-sqs';
import type { SQSEvent } from 'aws-lambda';
import type * as z from 'zod';
import { deadLetterMessage } from '../events/dead-letter.ts';
import { createOperationalEventBus } from '../events/operational-event-bus.ts';
import { settleLate } from '../ledger/table/claim-and-settle.ts';
import { createLedgerTable } from '../ledger/table/ledger-table.ts';
import { openClient } from '../shared/aws-clients.ts';
import { type IntakeServices, intake } from '../shared/batch-intake.ts';
import { settleOutcomesEnvironment } from '../shared/environment.ts';
import { type ColdStart, createHandler } from '../shared/handler.ts';
import { createQueues } from '../shared/sqs.ts';
import { type SettleMessagesServices, settleMessages } from './settle-messages.ts';

/** Called by SQS with a batch of the outcomes queue. */
export const handler = createHandler({
  environment: settleOutcomesEnvironment,
  createServices,
  handle({ Records }: SQSEvent, { settling, receiving }, remainingMs) {
    return intake(Records, (messages) => settleMessages(messages, settling), receiving, remainingMs);
  },
});

/** On a cold start only. */
function createServices(start: ColdStart<z.infer<typeof settleOutcomesEnvironment>>) {
  const { environment, deadlines, log, counter } = start;
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
    events: createOperationalEventBus({
      busName: environment.EVENT_BUS_NAME,
      deadlines: deadlines.clients.notices,
      log,
      counter,
    }),
    log,
    counter,
    now: Date.now,
  };
  const receiving: IntakeServices = {
    log,
    now: Date.now,
    // A read and a write that time out after 2 s each, the event after 1 s, and a margin.
    slowestMs: 6_000,
    hide: (receiptHandle, seconds) => queues.hide(environment.OUTCOMES_QUEUE_URL, receiptHandle, seconds),
    deadLetter: settling.deadLetter,
  };
  return { settling, receiving };
}
