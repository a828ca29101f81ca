import type { Flag } from '../../lambdas/flag/flag-document.ts';
import { type Change, deployChange } from '../appconfig/deployed-document.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { FLAG, type FlagDocument, withFlag } from './flag-document.ts';
import { followDeployment } from './follow-deployment.ts';
import { findKnownEnterprises, formatChange } from './format-flag.ts';

export interface FlagChange {
  /** Shown with the deployment in the console: `percent 25`. */
  readonly description: string;
  /** The attributes that change, or a text that says why none does. */
  edit(flag: Flag): Partial<Flag> | string;
}

export interface ChangeOptions {
  readonly stage: string;
  /** Prints what would change, and changes nothing. */
  readonly dryRun?: true | undefined;
  /** Changes nothing if another version is deployed by now. */
  readonly ifVersion?: number | undefined;
}

/**
 * Deploys a changed flag by the stage's strategy, and follows the deployment until it has baked.
 *
 * @returns the exit status: 1 after Ctrl-C
 * @throws CommandFailed
 */
export async function changeFlag(change: FlagChange, options: ChangeOptions, context: Context): Promise<number> {
  const { print } = context.terminal;
  const stage = await context.openStage(options.stage);
  const known = await findKnownEnterprises(stage);
  let whyNothing = 'nothing is changed: --dry-run';
  const edit: Change<FlagDocument>['edit'] = (document, version) => {
    if (options.ifVersion !== undefined && version !== options.ifVersion) {
      throw new CommandFailed(
        `nothing is changed: version ${version} of the flag is deployed by now, not ${options.ifVersion}`,
      );
    }
    const changes = change.edit(document.flag);
    if (typeof changes === 'string') {
      whyNothing = `nothing to do: ${changes}`;
      return undefined;
    }
    const edited = withFlag(document, changes);
    print(formatChange(document.flag, edited.flag, known));
    return options.dryRun ? undefined : edited;
  };
  const deployment = await deployChange(FLAG, stage, { edit, description: change.description }, context);
  if (deployment === undefined) {
    print(whyNothing);
    return 0;
  }
  if (!(await followDeployment(stage, deployment, context))) return 1;
  print(`done: ${change.description} (stage ${stage.name})`);
  return 0;
}
