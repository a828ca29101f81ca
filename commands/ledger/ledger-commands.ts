import { InvalidArgumentError, Option } from '@commander-js/extra-typings';
import * as z from 'zod';
import { webhookId } from '../../lambdas/events/identity.ts';
import { DELIVERY_STATES } from '../../lambdas/ledger/record.ts';
import { UsageError } from '../../local/command-line.ts';
import { REPLAYED_STATES } from '../replay/option-values.ts';
import type { LedgerSession } from '../shared/open-ledger.ts';
import {
  dryRunOption,
  each,
  integrationOption,
  jsonOption,
  sinceOption,
  stageCommand,
  untilOption,
  wholeNumber,
  yesOption,
} from '../shared/options.ts';
import type { Parent, Run } from '../shared/run.ts';
import { CLOSED_AS, DEFAULT_NUMBERS, DEFAULT_SPANS } from './option-values.ts';
import type { Subject } from './show.ts';

const ID_OR_PREFIX = z.string().regex(/^wh_[0-9a-f]{6,40}$/);

/** Most deliveries that a command prints. */
const MOST_SHOWN = 10_000;

/** `./ltw ledger …` */
export function addLedgerCommands(program: Parent, run: Run): void {
  const ledger = program.command('ledger').description('the state and history of deliveries');
  const ask = (
    options: { readonly stage: string; readonly json?: true | undefined },
    question: (world: LedgerSession) => Promise<number>,
  ) => run(async (context) => (await import('../shared/open-ledger.ts')).withLedger(options, question, context));

  stageCommand(ledger, 'show', 'one delivery with its attempts, and how to send it again')
    .argument('[webhook-id]', 'or how it starts: wh_ and 6 digits or more')
    .addOption(integrationOption('with --event-id: the delivery by its event'))
    .option('--event-id <id>', 'with --integration: the delivery by its event')
    .option('--payload', 'the event too, as the LMS sent it: personal data')
    .addOption(jsonOption())
    .action((id, options) => {
      const subject = subjectOf(id, options);
      return ask(options, async (world) => (await import('./show.ts')).show(subject, options, world));
    });
  stageCommand(ledger, 'last', 'the last deliveries of an integration, the latest first')
    .addOption(integrationOption('whose').makeOptionMandatory())
    .addOption(atMostOption(DEFAULT_NUMBERS.last))
    .addOption(jsonOption())
    .action((options) => ask(options, async (world) => (await import('./last.ts')).last(options, world)));
  stageCommand(ledger, 'list', 'all deliveries in one state, the latest first')
    .addOption(new Option('--state <state>', 'the state').choices(DELIVERY_STATES).makeOptionMandatory())
    .addOption(integrationOption())
    .option('--error <text>', 'only those whose reason contains it')
    .addOption(atMostOption(DEFAULT_NUMBERS.list))
    .addOption(sinceOption(DEFAULT_SPANS.list))
    .addOption(untilOption())
    .addOption(jsonOption())
    .action((options) => ask(options, async (world) => (await import('./list.ts')).list(options, world)));
  stageCommand(ledger, 'reasons', 'why deliveries ended: grouped by integration and reason, the largest group first')
    .addOption(new Option('--state <state>', 'the state').choices(REPLAYED_STATES).default('dead' as const))
    .addOption(integrationOption())
    .addOption(atMostOption(DEFAULT_NUMBERS.reasons))
    .addOption(sinceOption(DEFAULT_SPANS.list))
    .addOption(untilOption())
    .addOption(jsonOption())
    .action((options) => ask(options, async (world) => (await import('./reasons.ts')).reasons(options, world)));
  stageCommand(ledger, 'count', 'how many deliveries there are, by integration and state')
    .addOption(integrationOption())
    .addOption(sinceOption(DEFAULT_SPANS.count))
    .addOption(untilOption())
    .addOption(jsonOption())
    .action((options) => ask(options, async (world) => (await import('./count.ts')).count(options, world)));
  stageCommand(ledger, 'adoption', 'which enterprises’ completions were delivered with learning time, and since when')
    .addOption(integrationOption())
    .addOption(sinceOption(DEFAULT_SPANS.adoption))
    .addOption(untilOption())
    .addOption(jsonOption())
    .action((options) => ask(options, async (world) => (await import('./adoption.ts')).adoption(options, world)));
  stageCommand(ledger, 'search', 'the deliveries of a learner or of a course, by reading the whole table')
    .addOption(new Option('--user-id <n>', 'the number by which the LMS knows the user').argParser(userId))
    .addOption(new Option('--course-id <id>', 'the whole id of the course').conflicts('userId'))
    .addOption(jsonOption())
    .action((options) => {
      const { userId: learner, courseId } = options;
      if (learner === undefined && courseId === undefined) throw new UsageError('--user-id or --course-id says whose');
      const subject = learner === undefined ? { courseId: courseId ?? '' } : { userId: learner };
      return ask(options, async (world) => (await import('./search.ts')).search(subject, world));
    });
  stageCommand(
    ledger,
    'forget',
    'deletes a learner’s events and what partners responded; the facts without the learner stay',
  )
    .addOption(new Option('--user-id <n>', 'the number by which the LMS knows the user').argParser(userId))
    .addOption(
      new Option('--containing <text>', 'events without a readable user id whose payload contains it').argParser(
        atLeast(LEAST_CONTAINED),
      ),
    )
    .addOption(dryRunOption())
    .addOption(yesOption())
    .addOption(jsonOption())
    .action((options) => {
      if (options.userId === undefined && options.containing === undefined)
        throw new UsageError('--user-id or --containing says whose events');
      needsNoConfirmation(options);
      return ask(options, async (world) => (await import('./forget.ts')).forget(options, world));
    });
  stageCommand(ledger, 'close', 'ends deliveries that stay open, when an operator knows their outcome')
    .argument(
      '<webhook-id...>',
      'or how they start',
      each(ID_OR_PREFIX, 'It must be wh_ and 40 hexadecimal digits, or the first 6 or more of them.'),
    )
    .addOption(
      new Option('--as <state>', 'delivered: the partner has it; cancelled: it is not to be sent any more')
        .choices(CLOSED_AS)
        .makeOptionMandatory(),
    )
    .addOption(
      new Option('--reason <text>', 'stays in the ledger: who says so')
        .argParser(atLeast(LEAST_REASON))
        .makeOptionMandatory(),
    )
    .addOption(dryRunOption())
    .addOption(yesOption())
    .addOption(jsonOption())
    .action((ids, options) => {
      needsNoConfirmation(options);
      return ask(options, async (world) => (await import('./close.ts')).close(ids, options, world));
    });
}

/** By the id of the delivery, or of its event. @throws UsageError where it is both, or neither */
function subjectOf(
  id: string | undefined,
  { integration, eventId }: { readonly integration?: string | undefined; readonly eventId?: string | undefined },
): Subject {
  if (id !== undefined && integration === undefined && eventId === undefined)
    return { webhookId: id, asked: `delivery ${id}` };
  if (id === undefined && integration !== undefined && eventId !== undefined)
    return { webhookId: webhookId(integration, eventId), asked: `event ${eventId} of integration ${integration}` };
  throw new UsageError('show takes the id of a delivery, or --integration and --event-id');
}

/** @throws UsageError where a question would be printed before the JSON document */
function needsNoConfirmation({ json, yes, dryRun }: Readonly<Partial<Record<'json' | 'yes' | 'dryRun', true>>>): void {
  if (json && !yes && !dryRun)
    throw new UsageError('--json does not ask for confirmation: --yes or --dry-run is needed');
}

function atMostOption(usual: number) {
  return new Option('--number <n>', 'how many at the most').default(usual).argParser(wholeNumber(1, MOST_SHOWN));
}

/** Shorter texts occur in any payload. Characters. */
const LEAST_CONTAINED = 4;

/** Of an operator's reason, characters. */
const LEAST_REASON = 4;

function atLeast(characters: number) {
  return (text: string): string => {
    if (text.trim().length >= characters) return text;
    throw new InvalidArgumentError(`It must have at least ${characters} characters.`);
  };
}

function userId(text: string): string {
  if (/^\d{1,18}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be a number.');
}
