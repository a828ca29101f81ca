import {
  type FilteredLogEvent,
  paginateDescribeLogGroups,
  paginateFilterLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';
import { readSpan, shortTime } from '../shared/time-span.ts';

export interface LogsOptions {
  readonly stage: string;
  /** One of `TIME_FORMS`. */
  readonly since: string;
  readonly follow?: true | undefined;
  readonly json?: true | undefined;
}

/** How often new lines are asked for, in milliseconds: FilterLogEvents allows 5 to 10 calls a second and account. */
const POLL_INTERVAL_MS = 2_000;

/** Lines may be ingested late and out of order: each poll reads these milliseconds again. */
const LATE_MS = 30_000;

/** `logs`: what a function logged, oldest first. @param name of the function, `EnrichBatch` @throws CommandFailed */
export async function logs(name: string, { stage: stageName, since, follow, json }: LogsOptions, context: Context) {
  const stage = await context.openStage(stageName);
  const { print } = context.terminal;
  const group = await findLogGroup(stage, name);
  const { from } = readSpan({ since }, context.now());
  const printed = new Map<string, number>();
  const readNew = async (fromMs: number) => {
    const events = (await readEvents(stage, group, fromMs)).filter(({ eventId = '' }) => !printed.has(eventId));
    for (const { eventId = '', timestamp = 0 } of events) printed.set(eventId, timestamp);
    return events;
  };
  const events = await readNew(Date.parse(from));
  if (json) {
    print(JSON.stringify({ stage: stage.name, function: name, since: from, events: events.map(fieldsOf) }));
    return 0;
  }
  for (const event of events) print(formatEvent(event));
  if (!follow) {
    if (events.length === 0)
      print(`the function ${name} of stage ${stage.name} logged nothing since ${shortTime(from)}`);
    return 0;
  }
  const interruption = context.noteInterruption();
  try {
    while (!interruption.isRequested()) {
      await context.sleep(POLL_INTERVAL_MS);
      const fromMs = context.now() - LATE_MS;
      for (const event of await readNew(Math.max(fromMs, Date.parse(from)))) print(formatEvent(event));
      for (const [id, atMs] of printed) if (atMs < fromMs) printed.delete(id);
    }
  } finally {
    interruption.ignore();
  }
  return 0;
}

/** CloudFormation names it by stack, logical id and a random suffix. */
async function findLogGroup({ name: stageName, logs: client }: Stage, name: string): Promise<string> {
  const prefix = `LearningTimeWebhooks-${stageName}-`;
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, { logGroupNamePrefix: prefix })) {
    const group = logGroups.find(({ logGroupName }) => logGroupName?.includes(`${name}Logs`));
    if (group?.logGroupName !== undefined) return group.logGroupName;
  }
  throw new CommandFailed(`stage ${stageName} has no log group of the function ${name}: is it deployed?`);
}

async function readEvents({ logs: client }: Stage, logGroupName: string, startTime: number) {
  const found: FilteredLogEvent[] = [];
  for await (const { events = [] } of paginateFilterLogEvents({ client }, { logGroupName, startTime }))
    found.push(...events.filter(({ message = '' }) => !isMetric(message)));
  return found.toSorted((one, other) => (one.timestamp ?? 0) - (other.timestamp ?? 0));
}

/** Metrics are published as log lines (EMF), for CloudWatch and not for a reader. */
function isMetric(message: string): boolean {
  return message.includes('"CloudWatchMetrics"');
}

function fieldsOf({ timestamp = 0, logStreamName, message = '' }: FilteredLogEvent) {
  return { at: new Date(timestamp).toISOString(), log_stream: logStreamName, message: message.trimEnd() };
}

function formatEvent(event: FilteredLogEvent): string {
  const { at, message } = fieldsOf(event);
  return `${shortTime(at)}  ${message}`;
}
