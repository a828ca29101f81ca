import { Argument } from '@commander-js/extra-typings';
import { enterpriseIdSchema } from '../../lambdas/events/event.ts';
import { FLAG_BOUNDS } from '../../lambdas/flag/flag-document.ts';
import { dryRunOption, each, jsonOption, stageCommand, wholeNumber, yesOption } from '../shared/options.ts';
import type { Parent, Run } from '../shared/run.ts';
import type { ChangeOptions, FlagChange } from './change-flag.ts';
import { addPilots, cacheTime, enable, percent, removePilots } from './changes.ts';

const { rolloutPercentage: PERCENT, cacheTtlSeconds: TTL } = FLAG_BOUNDS;

const DEPLOYS = `
enable, percent, pilot and ttl deploy a new version to all functions at once and follow it while it bakes.
Ctrl-C ends the command, and not the deployment.`;

/** `./ltw flag …` */
export function addFlagCommands(program: Parent, run: Run): void {
  const flag = program
    .command('flag')
    .description('the feature flag: which enterprises have learning time')
    .addHelpText('after', DEPLOYS);
  const change = (made: FlagChange, options: ChangeOptions) =>
    run(async (context) => (await import('./change-flag.ts')).changeFlag(made, options, context));

  stageCommand(
    flag,
    'status',
    'the flag, its newest deployment, and which enterprises that an integration names have learning time, and why',
  )
    .addOption(jsonOption())
    .action((options) => run(async (context) => (await import('./status.ts')).status(options, context)));
  stageCommand(flag, 'enable', 'on, for pilots and for as many enterprises as the percentage says')
    .addOption(dryRunOption())
    .action((options) => change(enable(), options));
  stageCommand(flag, 'percent', 'the share of enterprises: raising it drops none, lowering it adds none')
    .argument('<percentage>', `${PERCENT.minimum} to ${PERCENT.maximum}`, wholeNumber(PERCENT.minimum, PERCENT.maximum))
    .addOption(dryRunOption())
    .action((percentage, options) => change(percent(percentage), options));
  stageCommand(flag, 'ttl', 'how long the cache keeps a response of the warehouse')
    .argument('<seconds>', `${TTL.minimum} to ${TTL.maximum}`, wholeNumber(TTL.minimum, TTL.maximum))
    .addOption(dryRunOption())
    .action((seconds, options) => change(cacheTime(seconds), options));

  const pilot = flag.command('pilot').description('enterprises that have learning time whatever the percentage');
  stageCommand(pilot, 'add', 'adds pilots')
    .addArgument(enterprises())
    .addOption(dryRunOption())
    .action((ids, options) => change(addPilots(ids), options));
  stageCommand(pilot, 'remove', 'removes pilots')
    .addArgument(enterprises())
    .addOption(dryRunOption())
    .action((ids, options) => change(removePilots(ids), options));

  stageCommand(
    flag,
    'disable',
    'the emergency switch: off for all at once, without a bake time; takes back a deployment that is under way, and works whatever the deployed document holds',
  ).action(({ stage }) => run(async (context) => (await import('./disable.ts')).disable(stage, context)));
  stageCommand(
    flag,
    'revert',
    'undoes the newest deployment, under way or ended within 72 hours; asks first where that switches the flag on',
  )
    .addOption(yesOption())
    .action((options) => run(async (context) => (await import('./revert.ts')).revert(options, context)));
}

function enterprises() {
  return new Argument('<id...>', 'enterprises, as their events name them').argParser(
    each(enterpriseIdSchema, 'The id of an enterprise has letters, digits, _ and -, 64 at the most.'),
  );
}
