import { setTimeout as sleep } from 'node:timers/promises';
import { GetQueueAttributesCommand, SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { output } from '../../local/demo/operator.ts';
import { DEMO_PARTNERS } from '../../local/demo/partners.ts';
import { completion } from '../../local/demo/sample-events.ts';
import { type Session, startSession } from '../../local/demo/session.ts';
import { synthesizeLocalStage } from '../../local/synthesize.ts';
import { type Bench, numberOf } from '../bench.ts';
import { changedAssembly, type EventsMapping, mappingOf, setEventsMapping } from '../changed-assembly.ts';
import { figure } from '../figure.ts';

const MAX_QUERIES_PER_10_000 = 200;
const SENT_AT_ONCE = 10;
const INTEGRATION = Object.keys(DEMO_PARTNERS)[0] as string;
const LONGEST_MS = 240_000;

export const bench: Bench = {
  about: 'warehouse queries for a backlog of events whose learners are not in the cache',
  options: { events: { type: 'string', default: '10000' } },
  usage: ['--events N  of the backlog'],
  async measure(values) {
    const events = Math.round(numberOf(values, 'events', 10, 100_000));
    const assemblyDirectory = await synthesizeLocalStage();
    const window = await workOffBacklog(events, 'window', assemblyDirectory);
    const noWindow = await workOffBacklog(events, 'noWindow', assemblyDirectory);
    const bound = (events * MAX_QUERIES_PER_10_000) / 10_000;
    return [
      figure({
        name: 'queries.backlog',
        unit: `queries/${events} events`,
        values: [window.queries],
        target: { of: 'value', is: 'at most', bound },
      }),
      figure({ name: 'queries.backlog.per_second', unit: 'events/s', values: [events / window.seconds] }),
      // No learner is in the cache, so each batch is a query.
      figure({
        name: 'queries.backlog.no_window',
        unit: `queries/${events} events`,
        values: [noWindow.queries],
        baseline: { name: 'window of 1 s, batches of 100', values: [window.queries] },
      }),
      figure({ name: 'queries.backlog.no_window.per_second', unit: 'events/s', values: [events / noWindow.seconds] }),
    ];
  },
};

/**
 * Publishes completions at once, each of another learner, and counts the queries to Snowflake until all events are
 * processed: through the synthesized event source mapping, the bundled function and `snowflake-sdk`. The deliveries' mapping
 * is disabled, since it would use this machine's cores.
 *
 * @throws Error if the events are not processed within four minutes, or some go to the workflow
 */
async function workOffBacklog(events: number, mapping: EventsMapping, assemblyDirectory: string) {
  const assembly = changedAssembly(assemblyDirectory, (template) => {
    setEventsMapping(template, mapping);
    mappingOf(template, 'QueuesDeliveries').Enabled = false;
  });
  const session = await startSession({ assemblyDirectory: assembly.directory });
  try {
    session.switchFlag(true);
    const startedAtMs = performance.now();
    await publishAll(session, events);
    await untilForwarded(session, events);
    const seconds = (performance.now() - startedAtMs) / 1000;
    if (session.platform.stateMachine.executions().length > 0) throw new Error('some events went to the workflow');
    return { queries: session.warehouse.queries().length, seconds };
  } finally {
    await session.stop();
    assembly.remove();
  }
}

async function publishAll({ platform }: Session, events: number): Promise<void> {
  const QueueUrl = output(platform, 'EventsQueueUrl');
  for (let from = 0; from < events; from += SENT_AT_ONCE) {
    const Entries = Array.from({ length: Math.min(SENT_AT_ONCE, events - from) }, (_, index) => ({
      Id: String(index),
      MessageBody: JSON.stringify(completion(`backlog-${from + index}`, INTEGRATION, 1_000_000 + from + index)),
    }));
    await platform.queues.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
  }
}

async function untilForwarded({ platform }: Session, events: number): Promise<void> {
  const asked = {
    QueueUrl: output(platform, 'DeliveriesQueueUrl'),
    AttributeNames: ['ApproximateNumberOfMessages' as const],
  };
  const untilMs = performance.now() + LONGEST_MS;
  for (;;) {
    const { Attributes } = await platform.queues.client.send(new GetQueueAttributesCommand(asked));
    const waiting = Number(Attributes?.ApproximateNumberOfMessages);
    if (waiting >= events) return;
    if (performance.now() > untilMs) throw new Error(`only ${waiting} of ${events} events were read`);
    await sleep(200);
  }
}
