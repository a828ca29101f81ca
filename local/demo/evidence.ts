import { DEAD_LETTER_ATTRIBUTES } from '../../lambdas/events/delivery.ts';
import type { LogLine } from '../lambda/function-process.ts';
import type { Platform } from '../platform.ts';
import type { Execution } from '../step-functions/execution.ts';
import { output } from './operator.ts';
import type { Receipt } from './partner.ts';

/** A dead-letter message, of either queue. */
export interface DeadLetter {
  readonly body: string;
  readonly reason: string;
  readonly webhookId: string | undefined;
}

/** A line that a function logged. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Everything that can be observed from outside: receipts, dead-letter messages, logs and executions. */
export interface Evidence {
  readonly receipts: readonly Receipt[];
  readonly eventDeadLetters: readonly DeadLetter[];
  readonly deliveryDeadLetters: readonly DeadLetter[];
  readonly logs: readonly LogFields[];
  /** Enrichment attempts of the workflow, by webhook id. */
  readonly enrichmentRetries: ReadonlyMap<string, number>;
  /** The workflow's executions by webhook id, newest first. */
  readonly executions: ReadonlyMap<string, readonly Execution[]>;
}

export async function readEvidence(
  platform: Platform,
  receipts: readonly Receipt[],
  webhookIds: readonly string[],
): Promise<Evidence> {
  const executions = new Map(webhookIds.map((id) => [id, platform.stateMachine.executionsNamed(id)]));
  return {
    receipts,
    eventDeadLetters: readDeadLetters(platform, 'EventsDeadLetterQueueUrl'),
    deliveryDeadLetters: readDeadLetters(platform, 'DeliveriesDeadLetterQueueUrl'),
    logs: readLogs(platform),
    enrichmentRetries: new Map([...executions].map(([id, all]) => [id, countRetries(all)])),
    executions,
  };
}

function readDeadLetters(platform: Platform, queueUrlOutput: string): readonly DeadLetter[] {
  return platform.queues.messages(output(platform, queueUrlOutput)).map(({ body, messageAttributes }) => ({
    body,
    reason: messageAttributes[DEAD_LETTER_ATTRIBUTES.reason]?.StringValue ?? 'no reason given',
    webhookId: messageAttributes[DEAD_LETTER_ATTRIBUTES.webhookId]?.StringValue,
  }));
}

function countRetries(executions: readonly Execution[]): number {
  const entries = executions.flatMap(({ history }) => history);
  return entries.filter(({ type, state }) => type === 'StateExited' && state === 'Enrich').length;
}

/** Each line is parsed once, since a condition reads all of them for every jump of the clock. */
const parsed = new WeakMap<LogLine, LogFields[]>();

/** All JSON lines of the functions' logs. */
export function readLogs(platform: Platform): LogFields[] {
  return platform.functions.all().flatMap((pool) => pool.logs().flatMap(fieldsOf));
}

/** Distinct errors that functions threw: `<handler>: <error>: <message>`. */
export function readThrown(platform: Platform): string[] {
  const lines = platform.functions.all().flatMap((pool) =>
    pool.logs().flatMap(({ text }) => {
      const [, error] = text.split('Invoke Error\t');
      if (error === undefined) return [];
      const { errorType, errorMessage } = JSON.parse(error);
      return [`${pool.handlerName}: ${errorType}: ${errorMessage}`];
    }),
  );
  return [...new Set(lines)];
}

function fieldsOf(line: LogLine): LogFields[] {
  const fields = parsed.get(line) ?? parseLine(line.text);
  parsed.set(line, fields);
  return fields;
}

function parseLine(text: string): LogFields[] {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? [line as LogFields] : [];
  } catch {
    return [];
  }
}
