import { enterpriseIdSchema } from '../lambdas/contract/event.ts';
import { FLAG_BOUNDS } from '../lambdas/contract/flag.ts';
import { readFlags, UsageError } from '../local/command-line.ts';
import type { Context } from './context.ts';
import { changeFlag, type FlagChange } from './flag/change-flag.ts';
import { addPilots, cacheTime, enable, percent, removePilots } from './flag/changes.ts';
import { disable } from './flag/disable.ts';
import { revert } from './flag/revert.ts';
import { status } from './flag/status.ts';
import { runCommand } from './run-command.ts';

const { rolloutPercentage: PERCENT, cacheTtlSeconds: TTL } = FLAG_BOUNDS;

export const FLAG_USAGE = `usage: npm run flag -- COMMAND [--stage NAME]
  status           the flag, its newest deployment, and which enterprises have learning time, and why: of those that
                   an integration names (enterprise_customer_uuid)
  enable           on, for pilots and for as many enterprises as the percentage says
  percent N        the share of enterprises, ${PERCENT.minimum} to ${PERCENT.maximum}: raising it drops none, lowering it adds none
  pilot add ID…    on for these enterprises whatever the percentage
  pilot remove ID…
  ttl SECONDS      how long an answer of the warehouse is kept in the cache, ${TTL.minimum} to ${TTL.maximum}
  disable          the emergency switch: off for everybody at once, without a bake time. Takes back a deployment that is
                   under way, and works whatever the deployed document holds
  revert [--yes]   undoes the newest deployment, under way or ended within 72 hours; asks first where that switches on
  --dry-run        of enable, percent, pilot and ttl: only says what would change
  --stage NAME     local (default; the platform that "npm start" runs), dev, staging, prod
  enable, percent, pilot and ttl deploy a new version to all functions at once, and follow it while it bakes. Ctrl-C ends
  the command, and not the deployment
  ends with 0 where it is done, or there was nothing to do, else with 1`;

const STAGE = { stage: { type: 'string', default: 'local' } } as const;

/** `npm run flag`: its exit status. @throws UsageError; CommandFailed */
export async function flag([command, ...words]: readonly string[], context: Context): Promise<number> {
  switch (command) {
    case 'status':
      return status(readFlags(words, STAGE).stage, context);
    case 'disable':
      return disable(readFlags(words, STAGE).stage, context);
    case 'revert': {
      const { stage, yes } = readFlags(words, { ...STAGE, yes: { type: 'boolean', default: false } });
      return revert({ stage, isYes: yes }, context);
    }
    default:
      return change(command, words, context);
  }
}

function change(command: string | undefined, words: readonly string[], context: Context): Promise<number> {
  const firstOption = words.findIndex((word) => word.startsWith('--'));
  const end = firstOption === -1 ? words.length : firstOption;
  const ordered = readChange(command, words.slice(0, end));
  const values = readFlags(words.slice(end), { ...STAGE, 'dry-run': { type: 'boolean', default: false } });
  return changeFlag(ordered, { stage: values.stage, isDryRun: values['dry-run'] }, context);
}

function readChange(command: string | undefined, [first, ...others]: readonly string[]): FlagChange {
  switch (command) {
    case 'enable':
      if (first !== undefined) throw new UsageError(`enable takes no ${first}`);
      return enable();
    case 'percent':
      return percent(readWhole('percent', [first, ...others], PERCENT));
    case 'ttl':
      return cacheTime(readWhole('ttl', [first, ...others], TTL));
    case 'pilot':
      if (first === 'add') return addPilots(readIds(others));
      if (first === 'remove') return removePilots(readIds(others));
      throw new UsageError('pilot takes add or remove, and ids of enterprises');
    default:
      throw new UsageError(command === undefined ? 'no command given' : `there is no command ${command}`);
  }
}

/** @throws UsageError where it is not exactly one whole number within the bounds */
function readWhole(
  command: string,
  [text = '', ...others]: readonly (string | undefined)[],
  { minimum, maximum }: { readonly minimum: number; readonly maximum: number },
): number {
  const value = Number(text);
  if (others.length === 0 && /^\d{1,9}$/.test(text) && value >= minimum && value <= maximum) return value;
  throw new UsageError(`${command} takes a whole number from ${minimum} to ${maximum}`);
}

/** @throws UsageError where there is none, or one cannot be the id of an enterprise */
function readIds(ids: readonly string[]): readonly string[] {
  if (ids.length === 0) throw new UsageError('pilot takes the id of an enterprise, as its events have it');
  return ids.map((id) => {
    const read = enterpriseIdSchema.safeParse(id);
    if (read.success) return read.data;
    throw new UsageError(`${id} cannot be the id of an enterprise: letters, digits, _ and -, 64 at the most`);
  });
}

if (import.meta.main) await runCommand(flag, FLAG_USAGE);
