import { randomBytes } from 'node:crypto';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { webhookId } from '../../lambdas/events/identity.ts';
import { chunksOf } from '../../lambdas/shared/chunks.ts';
import { isRecord, parseJson } from '../../lambdas/shared/json.ts';
import { readEvents } from '../../local/demo/read-events.ts';
import { ENTERPRISE } from '../../local/demo/sample-events.ts';
import { readDeployedIntegrations } from '../integration/deployed-integrations.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { alignColumns, counted } from '../shared/format.ts';
import { readTextFile } from '../shared/read-file.ts';
import type { Stage } from '../shared/stage.ts';
import { receiverOf, type SampleType, sampleEvents } from './sample-events.ts';

export interface PublishOptions {
  readonly stage: string;
  readonly count: number;
  readonly type: SampleType;
  /** Undefined: the first active one that subscribes to the type. */
  readonly integration?: string | undefined;
  /** Publishes the events of this file instead. */
  readonly file?: string | undefined;
  readonly yes?: true | undefined;
  readonly json?: true | undefined;
}

/** SQS takes at most 10 messages a call. */
const MESSAGES_PER_CALL = 10;

interface Published {
  /** Null where the message lacks what it is derived from: EnrichBatch rejects it, or derives an event id. */
  readonly webhook_id: string | null;
  readonly integration_id: string | null;
  readonly event_type: string | null;
  readonly event_id: string | null;
}

/** `publish`: 0 where SQS took every event, else 1. @throws CommandFailed */
export async function publish(options: PublishOptions, context: Context): Promise<number> {
  const { stage: stageName, file, json, yes } = options;
  if (stageName !== 'local' && !yes) {
    throw new CommandFailed(`stage ${stageName} delivers to partners, so nothing is published: --yes publishes there`);
  }
  const fromFile = file === undefined ? undefined : readBodies(file);
  const stage = await context.openStage(stageName);
  const bodies = fromFile ?? (await sampleBodies(stage, options, context));
  const failed = await send(stage, bodies);
  const events = bodies.filter((_, index) => !failed.has(index)).map(publishedOf);
  const { print } = context.terminal;
  if (json) print(JSON.stringify({ stage: stage.name, events, failed: failed.size }));
  else {
    if (events.length > 0) print(`${formatPublished(events)}\n`);
    print(`published ${counted(events.length, 'event')} to stage ${stage.name}`);
    if (failed.size > 0) print(`SQS did not take ${counted(failed.size, 'event')}: ${[...failed.values()][0]}`);
  }
  return failed.size === 0 ? 0 : 1;
}

function readBodies(file: string): readonly string[] {
  try {
    return readEvents(readTextFile(file)).map(({ body }) => body);
  } catch (thrown) {
    if (thrown instanceof CommandFailed) throw thrown;
    throw new CommandFailed(`${file}: ${(thrown as Error).message}`);
  }
}

async function sampleBodies(
  stage: Stage,
  { type, integration, count }: PublishOptions,
  { now }: Context,
): Promise<readonly string[]> {
  const { document } = await readDeployedIntegrations(stage);
  const receiver = receiverOf(document, type, integration);
  const run = randomBytes(4).toString('hex');
  return sampleEvents(type, receiver, { count, run, nowMs: now() }).map((event) => JSON.stringify(event));
}

/** @returns why SQS did not take a message, by its position */
async function send(stage: Stage, bodies: readonly string[]): Promise<ReadonlyMap<number, string>> {
  const failed = new Map<number, string>();
  const entries = bodies.map((MessageBody, index) => ({ Id: String(index), MessageBody, MessageGroupId: ENTERPRISE }));
  for (const Entries of chunksOf(entries, MESSAGES_PER_CALL)) {
    const request = { QueueUrl: stage.output('EventsQueueUrl'), Entries: [...Entries] };
    const { Failed = [] } = await stage.sqs.send(new SendMessageBatchCommand(request));
    for (const { Id, Code = 'unknown' } of Failed) failed.set(Number(Id), Code);
  }
  return failed;
}

function publishedOf(body: string): Published {
  const value = parseJson(body);
  const event = isRecord(value) ? value : {};
  const field = (name: string) => (typeof event[name] === 'string' ? event[name] : null);
  const [integration_id, event_type, event_id] = ['integration_id', 'event_type', 'event_id'].map(field);
  const isKnown = typeof integration_id === 'string' && typeof event_id === 'string';
  return {
    webhook_id: isKnown ? webhookId(integration_id, event_id) : null,
    integration_id: integration_id ?? null,
    event_type: event_type ?? null,
    event_id: event_id ?? null,
  };
}

function formatPublished(events: readonly Published[]): string {
  const rows = events.map(({ webhook_id, integration_id, event_type, event_id }) => [
    webhook_id ?? 'not known here',
    ...[integration_id, event_type, event_id].map((value) => value ?? '-'),
  ]);
  return alignColumns([['webhook', 'integration', 'type', 'event'], ...rows]);
}
