import { FLAG_KEY, type Flag, flagSchema } from '../../lambdas/flag/flag-document.ts';
import { faultsOf } from '../../lambdas/shared/faults.ts';
import { isRecord, parseJson } from '../../lambdas/shared/json.ts';
import type { Configuration } from '../appconfig/configuration.ts';
import { CommandFailed } from '../shared/failures.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A version of the flag as it was written, and the flag that functions read from it. */
export interface FlagDocument {
  readonly fields: Fields;
  readonly flag: Flag;
}

/** The flag of a stage. Its versions bake, so that AppConfig can roll back one that does harm. */
export const FLAG: Configuration<FlagDocument> = {
  name: 'flag',
  environment: 'FlagsEnvironmentId',
  profile: 'FlagsProfileId',
  strategy: 'FlagsStrategyId',
  read(text) {
    try {
      return readFlagDocument(text);
    } catch (thrown) {
      const remedy = 'fix it in the console, or run "./ltw flag revert"; "./ltw flag disable" works all the same';
      throw new CommandFailed(`${(thrown as Error).message}: ${remedy}`);
    }
  },
  write: ({ fields }) => `${JSON.stringify(fields, undefined, 2)}\n`,
  stopCommand: (stage) => `./ltw flag revert --stage ${stage.name}`,
};

/** @throws CommandFailed with every reason why functions could not use it */
export function readFlagDocument(text: string): FlagDocument {
  const fields = parseJson(text);
  if (!isRecord(fields)) throw unfit('it is not a JSON object');
  const { flags, values = {} } = fields;
  if (!isRecord(flags) || !isRecord(flags[FLAG_KEY])) throw unfit(`it has no flag ${FLAG_KEY}`);
  if (!isRecord(values)) throw unfit('values: is not an object');
  // A flag without values is off.
  const result = flagSchema.safeParse(values[FLAG_KEY] ?? { enabled: false });
  if (!result.success) throw unfit(faultsOf(result.error, FLAG_KEY));
  return { fields, flag: result.data };
}

/** Changes these attributes and leaves all else as it is written. */
export function withFlag({ fields, flag }: FlagDocument, changes: Partial<Flag>): FlagDocument {
  const values = (fields.values ?? {}) as Fields;
  const after = { ...flag, ...changes };
  const entry = { enabled: false, ...(values[FLAG_KEY] as Fields | undefined), ...changes };
  const { pilot_enterprises: pilots, ...others }: Fields = entry;
  // AppConfig accepts no empty list: without a value there are no pilots.
  const written = after.pilot_enterprises.length === 0 ? others : { ...others, pilot_enterprises: pilots };
  return { fields: { ...fields, values: { ...values, [FLAG_KEY]: written } }, flag: after };
}

function unfit(why: string): CommandFailed {
  return new CommandFailed(`the document of the flag does not fit (${why})`);
}
