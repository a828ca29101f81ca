import { Argument, Option } from '@commander-js/extra-typings';
import { enterpriseIdSchema } from '../../lambdas/events/event.ts';
import { FLAG_BOUNDS } from '../../lambdas/flag/flag-document.ts';
import { dryRunOption, each, jsonOption, stageCommand, wholeNumber, yesOption } from '../shared/options.ts';
import type { Parent, Run } from '../shared/run.ts';
import type { ChangeOptions, FlagChange } from './change-flag.ts';
import { addPilots, cacheTime, enable, percent, removePilots } from './changes.ts';

/** Most of AppConfig's numbers of versions and deployments that a command takes. */
const MAX_NUMBER = 999_999_999;

const { rolloutPercentage: PERCENT, cacheTtlSeconds: TTL } = FLAG_BOUNDS;

const DEPLOYS = `
enable, percent, pilot and ttl deploy a new version to all functions at once and follow it while it bakes.
Ctrl-C ends the command, but not the deployment.`;

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
    'shows the flag, its newest deployment, and which of the integrations’ enterprises have learning time, and why',
  )
    .addOption(jsonOption())
    .action((options) => run(async (context) => (await import('./status.ts')).status(options, context)));
  stageCommand(flag, 'enable', 'switches the flag on, for pilots and the percentage of enterprises')
    .addOption(dryRunOption())
    .addOption(ifVersionOption())
    .action((options) => change(enable(), options));
  stageCommand(flag, 'percent', 'sets the percentage of enterprises: raising it drops none, lowering it adds none')
    .argument('<percentage>', `${PERCENT.minimum} to ${PERCENT.maximum}`, wholeNumber(PERCENT.minimum, PERCENT.maximum))
    .addOption(dryRunOption())
    .addOption(ifVersionOption())
    .action((percentage, options) => change(percent(percentage), options));
  stageCommand(flag, 'ttl', 'sets how long the cache keeps a response of the warehouse')
    .argument('<seconds>', `${TTL.minimum} to ${TTL.maximum}`, wholeNumber(TTL.minimum, TTL.maximum))
    .addOption(dryRunOption())
    .addOption(ifVersionOption())
    .action((seconds, options) => change(cacheTime(seconds), options));

  const pilot = flag.command('pilot').description('pilots: enterprises that have learning time at any percentage');
  stageCommand(pilot, 'add', 'adds pilots')
    .addArgument(enterprises())
    .addOption(dryRunOption())
    .addOption(ifVersionOption())
    .action((ids, options) => change(addPilots(ids), options));
  stageCommand(pilot, 'remove', 'removes pilots')
    .addArgument(enterprises())
    .addOption(dryRunOption())
    .addOption(ifVersionOption())
    .action((ids, options) => change(removePilots(ids), options));

  stageCommand(
    flag,
    'disable',
    'the emergency switch: off for all enterprises at once, without a bake time; stops a deployment that is in progress, and works even if the deployed document is broken',
  ).action(({ stage }) => run(async (context) => (await import('./disable.ts')).disable(stage, context)));
  stageCommand(
    flag,
    'revert',
    'undoes the newest deployment, in progress or completed within 72 hours; asks first if that switches the flag on',
  )
    .addOption(yesOption())
    .addOption(
      new Option('--if-deployment <n>', 'does nothing if the newest deployment is another one').argParser(
        wholeNumber(1, MAX_NUMBER),
      ),
    )
    .action((options) => run(async (context) => (await import('./revert.ts')).revert(options, context)));
}

/** `--if-version N`: two operators who change the flag at once do not surprise each other. */
function ifVersionOption() {
  return new Option('--if-version <n>', 'changes nothing if another version is deployed by now').argParser(
    wholeNumber(1, MAX_NUMBER),
  );
}

function enterprises() {
  return new Argument('<id...>', 'ids of enterprises, as in events').argParser(
    each(enterpriseIdSchema, 'The id of an enterprise has at most 64 letters, digits, _ and -.'),
  );
}
