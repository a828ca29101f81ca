import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { openClient } from '../../lambdas/adapters/aws-clients.ts';
import { createLedgerTable } from '../../lambdas/adapters/dynamodb/ledger-table.ts';
import { createLedger } from '../../lambdas/adapters/dynamodb-ledger.ts';
import { CLIENT_WAITS } from '../../lambdas/contract/io-deadlines.ts';
import type { Ledger } from '../../lambdas/contract/ledger-ports.ts';
import type { DeliverMessagesServices } from '../../lambdas/delivery/deliver-messages.ts';
import { LEDGER } from '../delivery/loads.ts';
import { createCapacityMeter, type TableCall } from './capacity.ts';

/** The same ledger, which says of each delivery how long it took from before its claim until it was settled. */
export function timed(ledger: Ledger, durationsMs: number[]): Ledger {
  const claimedAtMs = new Map<string, number>();
  return {
    ...ledger,
    claim(delivery, leaseMs) {
      claimedAtMs.set(delivery.webhook_id, performance.now());
      return ledger.claim(delivery, leaseMs);
    },
    async settle(hold, ending) {
      const isWritten = await ledger.settle(hold, ending);
      durationsMs.push(performance.now() - (claimedAtMs.get(hold.delivery.webhook_id) ?? Number.NaN));
      return isWritten;
    },
  };
}

/** A ledger as `delivery-services.ts` wires it, whose calls are counted. */
export function createCountedLedger({ log, counter, now }: Pick<DeliverMessagesServices, 'log' | 'counter' | 'now'>) {
  const meter = createCapacityMeter();
  const client = openClient(DynamoDBClient, CLIENT_WAITS.ledger);
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const result = await next(args);
        meter.count({ name: commandName, input: args.input, output: result.output } satisfies TableCall);
        return result;
      },
    { step: 'initialize' },
  );
  const ledger = createLedger({
    table: createLedgerTable({
      client,
      tableName: LEDGER.LEDGER_TABLE_NAME,
      payloadDays: Number(LEDGER.LEDGER_PAYLOAD_DAYS),
      factsDays: Number(LEDGER.LEDGER_FACTS_DAYS),
    }),
    claimedBy: LEDGER.AWS_LAMBDA_LOG_STREAM_NAME,
    breaker: {
      failuresToOpen: Number(LEDGER.LEDGER_FAILURES_TO_OPEN),
      openMs: Number(LEDGER.LEDGER_OPEN_SECONDS) * 1000,
      slowMs: Number(LEDGER.LEDGER_SLOW_MILLISECONDS),
    },
    queueOutcome: () => Promise.reject(new Error('the table did not take an outcome')),
    random: Math.random,
    log,
    counter,
    now,
  });
  return { ledger, take: meter.take };
}
