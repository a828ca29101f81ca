import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { counted } from '../shared/format.ts';
import type { OutputName, Stage } from '../shared/stage.ts';
import { type Check, noted, stageFlag } from './check.ts';
import { type Finding, no, yes } from './finding.ts';

const PEEK = '--max-number-of-messages 10 --visibility-timeout 30 --message-attribute-names All';

/** Each with the command for its messages; those of the other queues are read with the AWS CLI. */
export const DEAD_LETTER_QUEUES: readonly (readonly [
  name: string,
  output: OutputName,
  command?: (flag: string) => string,
])[] = [
  ['events', 'EventsDeadLetterQueueUrl', (flag) => noted(`./ltw rejected list ${flag}`, 'docs/runbook.md#dead-events')],
  [
    'deliveries',
    'DeliveriesDeadLetterQueueUrl',
    (flag) => noted(`./ltw redrive ${flag}`, 'once their cause is resolved: docs/how-to/find-an-event.md'),
  ],
  ['outcomes', 'OutcomesDeadLetterQueueUrl'],
  ['rescue', 'RescueDeadLetterQueueUrl'],
  ['reconciler', 'ReconcileDeadLetterQueueUrl'],
  ['warm cache', 'WarmCacheDeadLetterQueueUrl'],
  ['credential age', 'CredentialAgeDeadLetterQueueUrl'],
  ['mails', 'OperationalEventsDeadLetterQueueUrl'],
  ['certificates', 'CertificateExpiryDeadLetterQueueUrl'],
];

/** One check for each queue, so that a queue that may not be read hides no other. */
export const deadLetters: readonly Check[] = DEAD_LETTER_QUEUES.map(([name, output, command]) => {
  const what = `dead letters of ${name}`;
  return {
    what,
    async run({ stage }) {
      const messages = await countDeadLetters(stage, output);
      const QueueUrl = stage.output(output);
      const remedy =
        command?.(stageFlag(stage)) ?? stage.awsCli('sqs', `receive-message --queue-url ${QueueUrl} ${PEEK}`);
      return [judgeCount(what, messages, remedy)];
    },
  };
});

/** How many messages a queue has, as SQS estimates it. @throws OutputMissing; the client's errors */
export async function countDeadLetters(stage: Stage, output: OutputName): Promise<number> {
  const { Attributes } = await stage.sqs.send(
    new GetQueueAttributesCommand({
      QueueUrl: stage.output(output),
      AttributeNames: ['ApproximateNumberOfMessages'],
    }),
  );
  return Number(Attributes?.ApproximateNumberOfMessages);
}

/** @param count as SQS estimates them */
export function judgeCount(what: string, count: number, remedy: string): Finding {
  if (count === 0) return yes(what, 'none');
  return no(what, counted(count, 'message'), remedy);
}
