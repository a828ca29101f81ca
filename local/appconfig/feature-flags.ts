import * as z from 'zod';

/**
 * Hosted content of a feature-flag profile, after AppConfig's user guide, "type reference for AWS.AppConfig.FeatureFlags".
 * Constraints of the types that the stack's flag has are supported; others, and multi-variant flags (`_variants`, which only
 * the AppConfig Agent evaluates), are refused.
 */
const key = z.string().regex(/^[a-z][a-zA-Z\d_-]{0,63}$/);
const name = z.string().regex(/^[^\n]{1,64}$/);
const description = z.string().max(1024);
const required = z.boolean().default(false);
const timestamps = { _createdAt: z.string().optional(), _updatedAt: z.string().optional() };

const numberConstraints = z.strictObject({
  type: z.literal('number'),
  required,
  minimum: z.int().default(Number.NEGATIVE_INFINITY),
  maximum: z.int().default(Number.POSITIVE_INFINITY),
});
const arrayConstraints = z.strictObject({
  type: z.literal('array'),
  required,
  elements: z.strictObject({ type: z.literal('string'), pattern: z.string().max(1024).default('') }),
});
const constraintsSchema = z.discriminatedUnion('type', [numberConstraints, arrayConstraints]);

const flagDefinition = z.strictObject({
  ...timestamps,
  name: name.optional(),
  description: description.optional(),
  attributes: z
    .record(key, z.strictObject({ description: description.optional(), constraints: constraintsSchema.optional() }))
    .refine((attributes) => Object.keys(attributes).length <= 25, 'has more than 25 attributes')
    .default({}),
});
const text = z.string().max(1024);
// AppConfig accepts an array of strings or of numbers; an empty one matches both and is refused.
const attributeValue = z.union([text, z.number(), z.boolean(), z.array(text).min(1), z.array(z.number()).min(1)]);
const documentSchema = z.strictObject({
  version: z.literal('1'),
  flags: z.record(key, flagDefinition).default({}),
  values: z.record(key, z.object({ ...timestamps, enabled: z.boolean() }).catchall(attributeValue)).default({}),
});
type FlagDefinition = z.infer<typeof flagDefinition>;
type FlagValue = z.infer<typeof documentSchema>['values'][string];

/** The content for clients, or all reasons why AppConfig would refuse to deploy it. */
export type Flattened = { readonly content: string } | { readonly faults: readonly string[] };

/**
 * Converts hosted content to the response of `GetLatestConfiguration`: `{flag: {enabled, …attributes}}`, with attributes only
 * if the flag is enabled. Values are checked against their constraints in either case.
 */
export function flattenFlags(hosted: string): Flattened {
  let json: unknown;
  try {
    json = JSON.parse(hosted);
  } catch {
    return { faults: ['the content is not JSON'] };
  }
  const result = documentSchema.safeParse(json);
  if (!result.success)
    return { faults: result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`) };
  const { flags, values } = result.data;
  const strangers = Object.keys(values).filter((flag) => !Object.hasOwn(flags, flag));
  const faults = strangers.map((flag) => `values.${flag}: there is no such flag`);
  const flat: Record<string, object> = {};
  for (const [flag, definition] of Object.entries(flags)) {
    const { enabled = false, _createdAt, _updatedAt, ...attributes }: Partial<FlagValue> = values[flag] ?? {};
    faults.push(...attributeFaults(definition, attributes).map((fault) => `values.${flag}.${fault}`));
    flat[flag] = enabled ? { enabled, ...attributes } : { enabled };
  }
  return faults.length > 0 ? { faults } : { content: JSON.stringify(flat) };
}

function attributeFaults({ attributes }: FlagDefinition, values: Record<string, unknown>): string[] {
  const faults = Object.keys(values)
    .filter((attribute) => !Object.hasOwn(attributes, attribute))
    .map((attribute) => `${attribute}: the flag has no such attribute`);
  for (const [attribute, { constraints }] of Object.entries(attributes)) {
    const fault = constraints && valueFault(constraints, values[attribute]);
    if (fault !== undefined) faults.push(`${attribute}: ${fault}`);
  }
  return faults;
}

function valueFault(constraints: z.infer<typeof constraintsSchema>, value: unknown): string | undefined {
  if (value === undefined) return constraints.required ? 'a value is required' : undefined;
  if (constraints.type === 'array') {
    const { pattern } = constraints.elements;
    const isRight = (element: unknown) => typeof element === 'string' && new RegExp(pattern).test(element);
    return Array.isArray(value) && value.every(isRight) ? undefined : `is no list of texts that match ${pattern}`;
  }
  const { minimum, maximum } = constraints;
  if (typeof value !== 'number') return `is of type ${typeof value}, not number`;
  return value >= minimum && value <= maximum ? undefined : `is not between ${minimum} and ${maximum}`;
}
