import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { moveMessages, type RedriveOptions } from '../redrive/redrive.ts';
import type { Context } from '../shared/context.ts';
import { alignColumns, counted, oneLine } from '../shared/format.ts';
import type { Stage } from '../shared/stage.ts';
import { shortTime } from '../shared/time-span.ts';
import { findRejected, type RejectedEvent, readRejected } from './read-rejected.ts';

interface ReadOptions {
  readonly stage: string;
  /** Prints the messages, too: personal data. */
  readonly payload?: true | undefined;
  readonly json?: true | undefined;
}

export interface ListOptions extends ReadOptions {
  /** How many are read at most. */
  readonly number: number;
}

/** `rejected list`: 0. @throws CommandFailed */
export async function list({ number: atMost, ...options }: ListOptions, context: Context): Promise<number> {
  const stage = await context.openStage(options.stage);
  const { print } = context.terminal;
  const events = await readRejected(stage, atMost);
  if (options.json) print(JSON.stringify({ stage: stage.name, events: events.map((one) => fieldsOf(one, options)) }));
  else if (events.length === 0) print(`no rejected events of stage ${stage.name}`);
  else {
    print(formatRows(events));
    if (options.payload) for (const { message_id, payload } of events) print(`\n${message_id}\n${payload}`);
    const more = events.length === atMost ? ': there may be more, --number shows them' : '';
    print(`\n${counted(events.length, 'rejected event')} of stage ${stage.name}${more}`);
  }
  return 0;
}

/** `rejected show`: 0. @param id of the message, or how it begins @throws CommandFailed where it is not exactly one */
export async function show(id: string, options: ReadOptions, context: Context): Promise<number> {
  const stage = await context.openStage(options.stage);
  const { print } = context.terminal;
  const event = await findRejected(stage, id);
  if (options.json) print(JSON.stringify({ stage: stage.name, ...fieldsOf(event, options) }));
  else print(formatEvent(event, options));
  return 0;
}

/** `rejected redrive`: moves all rejected events to the events queue, which reads them again. @throws CommandFailed */
export async function redriveRejected(options: RedriveOptions, context: Context): Promise<number> {
  const stage = await context.openStage(options.stage);
  const sourceUrl = stage.output('EventsDeadLetterQueueUrl');
  const events = {
    sourceUrl,
    sourceArn: await queueArn(stage, sourceUrl),
    destinationArn: stage.output('EventsQueueArn'),
    queue: 'events dead-letter queue',
    command: './ltw rejected redrive',
    outcome: 'each is accepted, or rejected again',
  };
  return moveMessages(stage, events, options, context);
}

async function queueArn({ sqs }: Stage, QueueUrl: string): Promise<string> {
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['QueueArn'] }));
  return Attributes?.QueueArn ?? '';
}

function fieldsOf({ payload, ...event }: RejectedEvent, options: ReadOptions) {
  return { ...event, ...(options.payload && { payload }) };
}

function formatRows(events: readonly RejectedEvent[]): string {
  const rows = events.map(({ message_id, rejected_at, integration_id, event_type, reason }) => [
    message_id,
    shortTime(rejected_at),
    oneLine(integration_id ?? '-'),
    oneLine(event_type ?? '-'),
    oneLine(reason ?? UNKNOWN_REASON),
  ]);
  return alignColumns([['message', 'rejected', 'integration', 'type', 'reason'], ...rows]);
}

const UNKNOWN_REASON = 'not with the message: the log of EnrichBatch has it';

function formatEvent(event: RejectedEvent, { payload: showsPayload }: ReadOptions): string {
  const { message_id, rejected_at, integration_id, event_type, event_id, reason, payload } = event;
  const facts = alignColumns([
    ['message', message_id],
    ['rejected', shortTime(rejected_at)],
    ['integration', oneLine(integration_id ?? 'unknown')],
    ['event', `${oneLine(event_type ?? 'unknown type')} ${oneLine(event_id ?? 'without an id')}`],
    ['reason', oneLine(reason ?? UNKNOWN_REASON)],
    ['payload', showsPayload ? 'below' : `${counted(Buffer.byteLength(payload), 'byte')}; --payload prints it`],
  ]);
  return showsPayload ? `${facts}\n\n${payload}` : facts;
}
