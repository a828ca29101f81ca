import { setTimeout as sleep } from 'node:timers/promises';
import { DEAD_LETTER_ATTRIBUTES } from '../../lambdas/events/delivery.ts';
import { cancellationOf, describeWait } from '../demo/describe-execution.ts';
import { output } from '../demo/operator.ts';
import type { Receipt } from '../demo/partner.ts';
import type { Platform } from '../platform.ts';
import type { Execution } from '../step-functions/execution.ts';

/** How often the dead letter queues are looked at, in milliseconds. */
const LOOK_EVERY_MS = 250;

/** Says what happens, a short line for each thing; of a payload only whether it has learning time, where it could. */
export interface Narrator {
  webhook(receipt: Receipt, answered: number | 'hang'): void;
  execution(execution: Execution): void;
  command(words: readonly string[]): void;
  /** Tells new dead letters, which stay where they are, until the signal ends it. */
  watchDeadLetters(platform: Platform, signal: AbortSignal): Promise<void>;
}

export function createNarrator(print: (line: string) => void): Narrator {
  const say = (what: string, ...words: readonly string[]) => {
    const line = `${new Date().toTimeString().slice(0, 8)}  ${what.padEnd(11)}  ${words.join('  ')}`;
    // Some words come from outside, and a terminal obeys control characters.
    print(line.replace(/\p{Cc}/gu, '?'));
  };
  return {
    webhook({ path, headers, body, verified }, answered) {
      const answer = answered === 'hang' ? 'no answer' : String(answered);
      say(
        'webhook',
        path.slice(1),
        String(headers['webhook-id'] ?? 'no webhook-id'),
        [answer, ...aboutLearningTime(body), ...(verified ? [] : ['signature does not verify'])].join(', '),
      );
    },
    execution(execution) {
      const { name, status } = execution;
      say('workflow', name, status === 'RUNNING' ? `starts: ${describeWait(execution)}` : `ends: ${endOf(execution)}`);
    },
    command: (words) => say('command', words.join(' ')),
    async watchDeadLetters(platform, signal) {
      const seen = new Set<string>();
      while (!signal.aborted) {
        for (const [queue, name] of DEAD_LETTER_QUEUES) {
          for (const { messageId, messageAttributes } of platform.queues.messages(output(platform, name))) {
            if (seen.has(messageId)) continue;
            seen.add(messageId);
            const attribute = (key: string) => messageAttributes[key]?.StringValue;
            const id = attribute(DEAD_LETTER_ATTRIBUTES.webhookId);
            const reason = attribute(DEAD_LETTER_ATTRIBUTES.reason) ?? 'no reason given';
            say('dead letter', queue, ...(id === undefined ? [] : [id]), reason);
          }
        }
        await sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
      }
    },
  };
}

/** Dead letter queues as people call them, with the template's outputs. */
export const DEAD_LETTER_QUEUES = [
  ['events', 'EventsDeadLetterQueueUrl'],
  ['deliveries', 'DeliveriesDeadLetterQueueUrl'],
] as const;

/** What the workflow decided, or how it failed; why one is cancelled, no dead letter says. */
function endOf(execution: Execution): string {
  const { status, output: text, error } = execution;
  if (status !== 'SUCCEEDED') return [status, error].filter(Boolean).join(', ');
  const reason = cancellationOf([execution]);
  return reason === undefined ? String(JSON.parse(text ?? '{}').outcome ?? status) : `cancelled, ${reason}`;
}

/** Nothing of what is about no course, such as a lead. */
function aboutLearningTime(body: string): string[] {
  try {
    const { learning_time: time, course } = JSON.parse(body);
    if (time !== undefined) return ['with learning time'];
    return course === undefined ? [] : ['without learning time'];
  } catch {
    return ['without learning time'];
  }
}
