import { completionField } from './completion-field.ts';
import { learningTimeObject } from './learning-time-object.ts';
import type { PayloadFormatDefinition } from './payload-format.ts';
import { percipio } from './percipio.ts';

/** Every payload format, by the name that an integration's `payload_format` has. The first one is the default. */
const DEFINITIONS = {
  learning_time_object: learningTimeObject,
  completion_field: completionField,
  percipio,
} as const satisfies Readonly<Record<string, PayloadFormatDefinition>>;

export type PayloadFormat = keyof typeof DEFINITIONS;

export const PAYLOAD_FORMATS = Object.keys(DEFINITIONS) as [PayloadFormat, ...PayloadFormat[]];

export function definitionOfFormat(format: PayloadFormat): PayloadFormatDefinition {
  return DEFINITIONS[format];
}

type Taking<Definition> = Definition extends { readonly options: infer Options } ? (options: Options) => void : never;
/** The intersection of every format's options: TypeScript infers it from parameters. */
type Options = Taking<(typeof DEFINITIONS)[PayloadFormat]> extends (options: infer All) => void ? All : never;

/** The options of all formats: fields of an integration. */
export const PAYLOAD_FORMAT_OPTIONS: Options = Object.assign(
  {},
  ...PAYLOAD_FORMATS.map((format) => definitionOfFormat(format).options),
);
