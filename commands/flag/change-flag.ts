import type { Flag } from '../../lambdas/flag/flag-document.ts';
import { type Change, deployChangeOf } from '../appconfig/deployed-document.ts';
import type { Context } from '../shared/context.ts';
import { FLAG, type FlagDocument, withFlag } from './flag-document.ts';
import { followDeployment } from './follow-deployment.ts';
import { findKnownEnterprises, formatChange } from './format-flag.ts';

export interface FlagChange {
  /** As it was ordered, for the console: `percent 25`. */
  readonly description: string;
  /** What differs from the flag as it is; in words, why nothing does. */
  edit(flag: Flag): Partial<Flag> | string;
}

export interface ChangeOptions {
  readonly stage: string;
  /** Only says what would change. */
  readonly dryRun?: true | undefined;
}

/**
 * Deploys a changed flag as the stage deploys flags, and follows it until it has baked.
 *
 * @returns the exit status: 1 where Ctrl-C came first
 * @throws CommandFailed
 */
export async function changeFlag(change: FlagChange, options: ChangeOptions, context: Context): Promise<number> {
  const { print } = context.terminal;
  const stage = await context.openStage(options.stage);
  const known = await findKnownEnterprises(stage);
  let nothing = 'nothing is changed: --dry-run';
  const edit: Change<FlagDocument>['edit'] = (document) => {
    const changes = change.edit(document.flag);
    if (typeof changes === 'string') {
      nothing = `nothing to do: ${changes}`;
      return undefined;
    }
    const edited = withFlag(document, changes);
    print(formatChange(document.flag, edited.flag, known));
    return options.dryRun ? undefined : edited;
  };
  const deployment = await deployChangeOf(FLAG, stage, { edit, description: change.description }, context);
  if (deployment === undefined) {
    print(nothing);
    return 0;
  }
  if (!(await followDeployment(stage, deployment, context))) return 1;
  print(`done: ${change.description} (stage ${stage.name})`);
  return 0;
}
