import { CreateQueueCommand, ReceiveMessageCommand, SQSClient } from '@aws-sdk/client-sqs';
import { startFauxqs } from 'fauxqs';
import { runProgram } from '../../../commands/main.ts';
import { type Delivery, deliverySchema } from '../../../lambdas/events/delivery.ts';
import { type FrontServer, startFrontServer } from '../../support/front-server.ts';
import { type LedgerOperator, type Left, startLedgerOperator } from '../ledger/ledger-operator.ts';

/** An operator of a ledger who sends deliveries again: they wait in a real queue. */
export interface ReplayOperator extends LedgerOperator {
  /** `./ltw replay …`: its exit status. */
  replay(...words: readonly string[]): Promise<number>;
  /** `./ltw integration …`: its exit status. */
  integration(...words: readonly string[]): Promise<number>;
  /** Deliveries that are left in these ways, at the world's time. @returns their ids */
  deliveries(lefts: readonly Left[], integrationId?: string): Promise<string[]>;
  /** Takes what waits in the deliveries queue. */
  sent(): Promise<readonly Delivery[]>;
  /** The ids of the same, in the order of the ids. */
  sentIds(): Promise<readonly string[]>;
  /** Before the queue: it sees what the queue forgets, such as a message's group. */
  readonly queueFront: FrontServer;
}

export async function startReplayOperator(): Promise<ReplayOperator> {
  const server = await startFauxqs({ port: 0, logger: false });
  const queueFront = await startFrontServer(`http://127.0.0.1:${server.port}`);
  const { endpoint } = queueFront;
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const sqs = new SQSClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 });
  await sqs.send(new CreateQueueCommand({ QueueName: 'deliveries' }));
  const queueUrl = `${endpoint}/000000000000/deliveries`;
  const operator = await startLedgerOperator({
    endpoints: { AWS_ENDPOINT_URL_SQS: endpoint },
    // A filter without --since asks for sixteen partitions of each day.
    outputs: { DeliveriesQueueUrl: queueUrl, LedgerPayloadDays: '7' },
  });
  operator.world.deploy({ integrations: [{ id: 'acme', url: 'https://acme.example' }] });
  let made = 0;
  const replayOperator: ReplayOperator = {
    ...{ ...operator, queueFront },
    replay: (...words) => runProgram(['replay', ...words], operator.world.context),
    integration: (...words) => runProgram(['integration', ...words], operator.world.context),
    async deliveries(lefts, integration_id = 'acme') {
      const ids: string[] = [];
      for (const left of lefts) {
        made += 1;
        ids.push(await operator.delivery({ event_id: `made-${made}`, integration_id }, left));
      }
      return ids;
    },
    async sent() {
      const taken: Delivery[] = [];
      for (;;) {
        const asked = new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 });
        const { Messages = [] } = await sqs.send(asked);
        if (Messages.length === 0) return taken;
        taken.push(...Messages.map(({ Body = '' }) => deliverySchema.parse(JSON.parse(Body))));
      }
    },
    sentIds: async () => (await replayOperator.sent()).map(({ webhook_id }) => webhook_id).toSorted(),
    async close() {
      await operator.close();
      sqs.destroy();
      await queueFront.close();
      await server.stop();
    },
  };
  return replayOperator;
}
