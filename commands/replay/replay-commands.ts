import { Argument, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import type { SampleType } from '../publish/sample-events.ts';
import {
  dryRunOption,
  integrationOption,
  jsonOption,
  numberBetween,
  sinceOption,
  stageCommand,
  untilOption,
  wholeNumber,
  yesOption,
} from '../shared/options.ts';
import type { Parent, Run } from '../shared/run.ts';
import { REDRIVE_RATE, REPLAY_RATE, REPLAYED_STATES } from './option-values.ts';

/** Events that one `publish` sends at most. */
const MOST_PUBLISHED = 10_000;
const SAMPLE_TYPES = ['completion', 'enrollment', 'lead'] as const satisfies readonly SampleType[];

const REPLAY = `
By id, deliveries are replayed in whatever state they are; one that is in flight is left alone. A lead that waits for its
scheduled time, or that another superseded (cancelled), is sent at once. One delivery by its id is replayed without a
question. A filter finds those whose payload is still held.
Ctrl-C stops after those that were begun; the same command then finds what is left.`;

const REJECTED = `
list and show leave the messages in the queue. SQS counts each as a receive: it leaves a message that was received three
times out of the age of the oldest one, on which the alarm dead-events-old depends.`;

/** Commands that publish events, send deliveries again, or repair them. */
export function addReplayCommands(program: Parent, run: Run): void {
  stageCommand(
    program,
    'publish',
    'publishes sample events to the events queue, and prints the ids of their deliveries',
  )
    .addOption(new Option('--count <n>', `1 to ${MOST_PUBLISHED}`).default(1).argParser(wholeNumber(1, MOST_PUBLISHED)))
    .addOption(integrationOption('whose events (default: the first active one that subscribes to them)'))
    .addOption(new Option('--type <type>', 'of the events').choices(SAMPLE_TYPES).default('completion' as const))
    .addOption(
      new Option(
        '--file <file>',
        'publishes the events of this file instead: a JSON array, or one event a line',
      ).conflicts(['count', 'integration', 'type']),
    )
    .addOption(new Option('--yes', 'needed for any stage but local: it delivers to partners'))
    .addOption(jsonOption())
    .action((options) => run(async (context) => (await import('../publish/publish.ts')).publish(options, context)));
  stageCommand(program, 'replay', 'sends deliveries again: the same webhook-id and payload, in a new generation')
    .argument('[webhook-id...]', 'these, each by its id or how it starts; else those that the options find')
    .addOption(integrationOption())
    .addOption(new Option('--state <state...>', 'in these states (default: dead)').choices(REPLAYED_STATES))
    .option('--error <text>', 'whose reason contains it')
    .option('--error-like <reason>', 'whose reason is this one, other ids, numbers, times and URLs aside')
    .addOption(sinceOption())
    .addOption(untilOption())
    .option('--all', 'needed where none of these narrows it down')
    .addOption(
      new Option('--rate <n>', `deliveries a second, 1 to ${REPLAY_RATE.most}`)
        .default(REPLAY_RATE.usual)
        .argParser(wholeNumber(1, REPLAY_RATE.most)),
    )
    .addOption(dryRunOption())
    .addOption(yesOption())
    .addHelpText('after', REPLAY)
    .action((ids, options) => run(async (context) => (await import('./replay.ts')).replay(ids, options, context)));
  redriveCommand(
    program,
    'moves every message of the deliveries dead-letter queue back to the deliveries queue',
  ).action((options) => run(async (context) => (await import('../redrive/redrive.ts')).redrive(options, context)));

  const rejected = program
    .command('rejected')
    .description('events that were rejected: the events dead-letter queue')
    .addHelpText('after', REJECTED);
  stageCommand(rejected, 'list', 'rejected events, oldest first, each with its reason')
    .addOption(new Option('--number <n>', 'how many at most').default(USUAL_NUMBER).argParser(wholeNumber(1, 10_000)))
    .addOption(payloadOption())
    .addOption(jsonOption())
    .action((options) => run(async (context) => (await import('../rejected/rejected.ts')).list(options, context)));
  stageCommand(rejected, 'show', 'one rejected event')
    .addArgument(new Argument('<message-id>', 'of the message, or how it starts').argParser(messageId))
    .addOption(payloadOption())
    .addOption(jsonOption())
    .action((id, options) =>
      run(async (context) => (await import('../rejected/rejected.ts')).show(id, options, context)),
    );
  redriveCommand(rejected, 'moves every rejected event back to the events queue, where it is read again').action(
    (options) => run(async (context) => (await import('../rejected/rejected.ts')).redriveRejected(options, context)),
  );
  stageCommand(
    program,
    'reconcile',
    'compares what was accepted with its outcomes, and repairs what it can: stuck deliveries are sent again, parked ones that may go are released, those parked for over 72 hours are ended',
  )
    .addOption(
      new Option('--days <n>', 'UTC days of acceptance, today included, 1 to 400 (default: 4)').argParser(
        wholeNumber(1, 400),
      ),
    )
    .addOption(
      new Option('--bound-seconds <n>', 'what is in flight for longer is stuck, 0 to 604800 (default: 1800)').argParser(
        numberBetween(0, 604_800),
      ),
    )
    .addOption(integrationOption())
    .addOption(dryRunOption())
    .addOption(jsonOption())
    .action((options) =>
      run(async (context) => (await import('../reconcile/reconcile.ts')).reconcile(options, context)),
    );
}

/** Rejected events that are listed without `--number`. */
const USUAL_NUMBER = 100;

function payloadOption() {
  return new Option('--payload', 'the message, too, as the LMS sent it: personal data');
}

/** `redrive`, of one dead-letter queue. */
function redriveCommand(parent: Parent, description: string) {
  return stageCommand(parent, 'redrive', description)
    .addOption(
      new Option('--rate <n>', `messages a second, 1 to ${REDRIVE_RATE.most}`)
        .default(REDRIVE_RATE.usual)
        .argParser(wholeNumber(1, REDRIVE_RATE.most)),
    )
    .addOption(yesOption())
    .addOption(
      new Option('--stop', 'ends the move that is under way; what is left stays where it is').conflicts([
        'rate',
        'yes',
      ]),
    )
    .addHelpText('after', '\nCtrl-C ends the command, and not the move: the same command then follows it.');
}

function messageId(text: string): string {
  if (text.trim() !== '') return text;
  throw new InvalidArgumentError('It must be the id of a message, or how it starts.');
}
