import { setTimeout as sleep } from 'node:timers/promises';
import { DEAD_LETTER_ATTRIBUTES } from '../../lambdas/events/delivery.ts';
import { cancellationOf, describeWait } from '../demo/describe-execution.ts';
import { output } from '../demo/operator.ts';
import type { Receipt } from '../demo/partner.ts';
import type { Platform } from '../platform.ts';
import type { Execution } from '../step-functions/execution.ts';

/** Poll interval of the dead-letter queues, in milliseconds. */
const POLL_INTERVAL_MS = 250;

/** Prints one line per event of the platform; of payloads only whether they have learning time. */
export interface Narrator {
  webhook(receipt: Receipt, status: number | 'hang'): void;
  execution(execution: Execution): void;
  command(words: readonly string[]): void;
  /** Prints new dead-letter messages, without receiving them, until the signal is aborted. */
  watchDeadLetters(platform: Platform, signal: AbortSignal): Promise<void>;
}

export function createNarrator(print: (line: string) => void): Narrator {
  const printLine = (what: string, ...words: readonly string[]) => {
    const line = `${new Date().toTimeString().slice(0, 8)}  ${what.padEnd(11)}  ${words.join('  ')}`;
    // Some parts are external input, and terminals interpret control characters.
    print(line.replace(/\p{Cc}/gu, '?'));
  };
  return {
    webhook({ path, headers, body, verified }, status) {
      const response = status === 'hang' ? 'no response' : String(status);
      printLine(
        'webhook',
        path.slice(1),
        String(headers['webhook-id'] ?? 'no webhook-id'),
        [response, ...aboutLearningTime(body), ...(verified ? [] : ['signature does not verify'])].join(', '),
      );
    },
    execution(execution) {
      const { name, status } = execution;
      printLine(
        'workflow',
        name,
        status === 'RUNNING' ? `starts: ${describeWait(execution)}` : `ends: ${endOf(execution)}`,
      );
    },
    command: (words) => printLine('command', words.join(' ')),
    async watchDeadLetters(platform, signal) {
      const seen = new Set<string>();
      while (!signal.aborted) {
        for (const [queue, name] of DEAD_LETTER_QUEUES) {
          for (const { messageId, messageAttributes } of platform.queues.messages(output(platform, name))) {
            if (seen.has(messageId)) continue;
            seen.add(messageId);
            const attribute = (key: string) => messageAttributes[key]?.StringValue;
            const id = attribute(DEAD_LETTER_ATTRIBUTES.webhookId);
            const reason = attribute(DEAD_LETTER_ATTRIBUTES.reason) ?? 'no reason';
            printLine('dead-letter', queue, ...(id === undefined ? [] : [id]), reason);
          }
        }
        await sleep(POLL_INTERVAL_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}

/** Labels of the dead-letter queues, with the template's outputs. */
export const DEAD_LETTER_QUEUES = [
  ['events', 'EventsDeadLetterQueueUrl'],
  ['deliveries', 'DeliveriesDeadLetterQueueUrl'],
] as const;

/** The workflow's outcome or failure, and the reason of a cancellation, which has no dead-letter message. */
function endOf(execution: Execution): string {
  const { status, output: text, error } = execution;
  if (status !== 'SUCCEEDED') return [status, error].filter(Boolean).join(', ');
  const reason = cancellationOf([execution]);
  return reason === undefined ? String(JSON.parse(text ?? '{}').outcome ?? status) : `cancelled, ${reason}`;
}

/** Empty for events without a course, such as leads. */
function aboutLearningTime(body: string): string[] {
  try {
    const { learning_time: time, course } = JSON.parse(body);
    if (time !== undefined) return ['with learning time'];
    return course === undefined ? [] : ['without learning time'];
  } catch {
    return ['without learning time'];
  }
}
