import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { counted } from '../shared/format.ts';
import type { OutputName } from '../shared/stage.ts';
import { type Check, howToDeploy, noted, stageFlag } from './check.ts';
import { type Finding, no, yes } from './finding.ts';

const PEEK = '--max-number-of-messages 10 --visibility-timeout 30 --message-attribute-names All';

/** Letters of the deliveries go back by a command; of the other queues somebody has to read them first. */
const QUEUES: readonly (readonly [name: string, output: OutputName, isRedriven: boolean])[] = [
  ['events', 'EventsDeadLetterQueueUrl', false],
  ['deliveries', 'DeliveriesDeadLetterQueueUrl', true],
  ['outcomes', 'OutcomesDeadLetterQueueUrl', false],
  ['rescue', 'RescueDeadLetterQueueUrl', false],
  ['reconciler', 'ReconcileDeadLetterQueueUrl', false],
];

/** One for each queue, so that one that may not be looked at hides no other. */
export const deadLetters: readonly Check[] = QUEUES.map(([name, output, isRedriven]) => {
  const what = `dead letters of ${name}`;
  return {
    what,
    async look({ stage }) {
      const QueueUrl = stage.output(output);
      const { Attributes } = await stage.sqs.send(
        new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['ApproximateNumberOfMessages'] }),
      );
      const mend = isRedriven
        ? noted(`./ltw redrive ${stageFlag(stage)}`, 'once their cause is mended: docs/how-to/find-an-event.md')
        : stage.awsCli('sqs', `receive-message --queue-url ${QueueUrl} ${PEEK}`);
      return [judgeLetters(what, Number(Attributes?.ApproximateNumberOfMessages), mend)];
    },
    mend: howToDeploy,
  };
});

/** @param letters as SQS estimates them */
export function judgeLetters(what: string, letters: number, mend: string): Finding {
  if (letters === 0) return yes(what, 'none');
  return no(what, counted(letters, 'message'), mend);
}
