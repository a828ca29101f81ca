import { FLAG_KEY, type Flag, flagSchema } from '../../lambdas/flag/flag-document.ts';
import type { Configuration } from '../appconfig/configuration.ts';
import { isFields } from '../integration/integrations-document.ts';
import { CommandFailed } from '../shared/failures.ts';

type Fields = Readonly<Record<string, unknown>>;

/** A version of the flag as it was written, and what of it functions go by. */
export interface FlagDocument {
  readonly fields: Fields;
  readonly flag: Flag;
}

/** The flag of a stage. Its versions bake, so that AppConfig can take one back that does harm. */
export const FLAG: Configuration<FlagDocument> = {
  name: 'flag',
  environment: 'FlagsEnvironmentId',
  profile: 'FlagsProfileId',
  strategy: 'FlagsStrategyId',
  read(text) {
    try {
      return readFlagDocument(text);
    } catch (thrown) {
      const remedy = 'fix it in the console, or "./ltw flag revert"; "./ltw flag disable" works all the same';
      throw new CommandFailed(`${(thrown as Error).message}: ${remedy}`);
    }
  },
  write: ({ fields }) => `${JSON.stringify(fields, undefined, 2)}\n`,
  stopCommand: (stage) => `./ltw flag revert --stage ${stage.name}`,
};

/** @throws CommandFailed with every reason why it is not what functions could go by */
export function readFlagDocument(text: string): FlagDocument {
  const fields = parseJson(text);
  if (!isFields(fields)) throw unfit('it is not a JSON object');
  const { flags, values = {} } = fields;
  if (!isFields(flags) || !isFields(flags[FLAG_KEY])) throw unfit(`it has no flag ${FLAG_KEY}`);
  if (!isFields(values)) throw unfit('values: is not an object');
  // A flag without values is off.
  const result = flagSchema.safeParse(values[FLAG_KEY] ?? { enabled: false });
  if (result.success) return { fields, flag: result.data };
  const faults = result.error.issues.map(
    ({ path, message }) => `${path.map(String).join('.') || FLAG_KEY}: ${message}`,
  );
  throw unfit(faults.join('; '));
}

/** Changes these attributes and leaves all else as it is written. */
export function withFlag({ fields, flag }: FlagDocument, changes: Partial<Flag>): FlagDocument {
  const values = (fields.values ?? {}) as Fields;
  const after = { ...flag, ...changes };
  const entry = { enabled: false, ...(values[FLAG_KEY] as Fields | undefined), ...changes };
  const { pilot_enterprises: pilots, ...others }: Fields = entry;
  // AppConfig takes no empty list: without a value there are none.
  const written = after.pilot_enterprises.length === 0 ? others : { ...others, pilot_enterprises: pilots };
  return { fields: { ...fields, values: { ...values, [FLAG_KEY]: written } }, flag: after };
}

function unfit(why: string): CommandFailed {
  return new CommandFailed(`the document of the flag does not fit (${why})`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw unfit('it is not JSON');
  }
}
