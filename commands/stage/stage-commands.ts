import { Argument, InvalidArgumentError, Option } from '@commander-js/extra-typings';
import * as z from 'zod';
import { EVENT_TYPES, KINDS } from '../../lambdas/events/event-types/event-types.ts';
import { MAX_SAMPLES } from '../../lambdas/warehouse/check.ts';
import { findStage } from '../../lib/stage.ts';
import { CRITERIA, HOURS, PHASES } from '../rollout/criteria.ts';
import { integrationOption, jsonOption, numberBetween, stageCommand, stageOption, time } from '../shared/options.ts';
import type { Parent, Run } from '../shared/run.ts';
import { TIME_FORMS } from '../shared/time-span.ts';

/** Names of functions, such as `EnrichBatch`: every stage has the same. */
const FUNCTIONS = Object.keys(findStage('prod').functions).map((name) => name.charAt(0).toUpperCase() + name.slice(1));

/** Commands that read a stage, and change nothing. */
export function addStageCommands(program: Parent, run: Run): void {
  stageCommand(
    program,
    'status',
    'prints one screen: alarms in ALARM, flag, warehouse, queues, reconciler, and each integration in the last hour',
  )
    .addOption(jsonOption())
    .action((options) => run(async (context) => (await import('../status/status.ts')).status(options, context)));
  stageCommand(
    program,
    'preflight',
    'checks whether a stage is ready for its first event; connects to endpoints from this machine, and sends nothing',
  )
    .addOption(jsonOption())
    .action((options) =>
      run(async (context) => (await import('../preflight/preflight.ts')).preflight(options, context)),
    );
  stageCommand(
    program,
    'alarms',
    'lists the alarms in ALARM: since when, what each means, and its heading in docs/runbook.md; pages first',
  )
    .option('--all', 'also the alarms that are not in ALARM')
    .addOption(jsonOption())
    .action((options) => run(async (context) => (await import('./alarms.ts')).alarms(options, context)));
  stageCommand(program, 'logs', 'prints what a function logged, without its metrics')
    .addArgument(new Argument('<function>', 'its name').choices(FUNCTIONS))
    .addOption(new Option('--since <time>', `logged since: ${TIME_FORMS}`).default('15m').argParser(time))
    .addOption(new Option('--follow', 'continues until Ctrl-C').conflicts('json'))
    .addOption(jsonOption())
    .action((name, options) => run(async (context) => (await import('../logs/logs.ts')).logs(name, options, context)));
  stageCommand(
    program,
    'check-warehouse',
    'queries Snowflake from inside the stage: the secret and its age, login, role, warehouse, grants, columns, one row',
  )
    .option(
      '--sample <file>',
      `compares known sums with the table's: CSV that begins with the line user_id,course_id,enterprise_customer_uuid,total_seconds, and has at most ${MAX_SAMPLES} more`,
    )
    .addOption(jsonOption())
    .action((options) =>
      run(async (context) => (await import('./check-warehouse.ts')).checkWarehouse(options, context)),
    );
  stageCommand(
    program,
    'send-test',
    'sends an integration one signed test event from the stage’s own addresses, and prints the response',
  )
    .addOption(integrationOption('whose endpoint').makeOptionMandatory())
    .option('--next', 'presents the next client certificate of its secret')
    .addOption(jsonOption())
    .action((options) =>
      run(async (context) => (await import('../integration/test-event.ts')).sendTest(options, context)),
    );
  program
    .command('retry-schedule')
    .description('prints when a delivery would be attempted if every attempt failed')
    .addOption(integrationOption('whose retry policy').makeOptionMandatory())
    .addOption(
      new Option('--event-type <type>', 'only this event type').choices([...new Set([...EVENT_TYPES, ...KINDS])]),
    )
    .addOption(
      new Option('--at <time>', 'of the first attempt, as 2026-01-31T09:00:00+01:00 (default: now)').argParser(timeMs),
    )
    .option('--file <file>', 'a document of integrations on disk, instead of the stage’s')
    .addOption(stageOption().conflicts('file'))
    .addOption(jsonOption())
    .action((options) =>
      run(async (context) => (await import('../integration/retry-schedule.ts')).retrySchedule(options, context)),
    );

  const rollout = program.command('rollout').description('is the rollout of learning time ready for its next phase?');
  stageCommand(
    rollout,
    'check',
    'checks each criterion of a phase against the stage’s metrics: yes, no, or not enough data',
  )
    .addArgument(
      rollout
        .createArgument('<phase>', PHASES.map((phase) => `${phase}: ${CRITERIA[phase].reach}`).join('; '))
        .choices(PHASES),
    )
    .addOption(
      new Option('--hours <n>', `the last n hours, ${HOURS.least} to ${HOURS.most}`)
        .default(HOURS.usual)
        .argParser(numberBetween(HOURS.least, HOURS.most)),
    )
    .addOption(jsonOption())
    .action((phase, options) =>
      run(async (context) => (await import('../rollout/rollout.ts')).checkRollout(phase, options, context)),
    );
}

/** In epoch milliseconds. */
function timeMs(text: string): number {
  if (z.iso.datetime({ offset: true }).safeParse(text).success) return Date.parse(text);
  throw new InvalidArgumentError('It must have an offset, as 2026-01-31T09:00:00+01:00 or 2026-01-31T08:00:00Z.');
}
