import * as z from 'zod';

/**
 * Hosted content of a feature-flag profile, after AppConfig's user guide, "type reference for AWS.AppConfig.FeatureFlags".
 * Multi-variant flags (`_variants`) are refused: only the AppConfig Agent evaluates them.
 */
const key = z.string().regex(/^[a-z][a-zA-Z\d_-]{0,63}$/);
const name = z.string().regex(/^[^\n]{1,64}$/);
const description = z.string().max(1024);
const required = z.boolean().optional();
const timestamps = { _createdAt: z.string().optional(), _updatedAt: z.string().optional() };

const numberConstraints = z.strictObject({
  type: z.literal('number'),
  required,
  minimum: z.int().optional(),
  maximum: z.int().optional(),
});
const stringConstraints = z
  .strictObject({
    type: z.literal('string'),
    required,
    pattern: z.string().max(1024).optional(),
    enum: z
      .array(z.union([z.string().max(1024), z.int()]))
      .max(100)
      .optional(),
  })
  .refine(({ pattern, enum: values }) => pattern === undefined || values === undefined, 'has both pattern and enum');
const booleanConstraints = z.strictObject({ type: z.literal('boolean'), required });
const arrayConstraints = z.strictObject({
  type: z.literal('array'),
  required,
  elements: z.discriminatedUnion('type', [numberConstraints, stringConstraints]).optional(),
});
const constraintsSchema = z.discriminatedUnion('type', [
  numberConstraints,
  stringConstraints,
  booleanConstraints,
  arrayConstraints,
]);
type Constraints = z.infer<typeof constraintsSchema>;

const flagDefinition = z.strictObject({
  ...timestamps,
  name: name.optional(),
  description: description.optional(),
  _deprecation: z.strictObject({ status: z.literal('planned'), date: z.iso.date().optional() }).optional(),
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

function valueFault(constraints: Constraints, value: unknown): string | undefined {
  if (value === undefined) return constraints.required ? 'a value is required' : undefined;
  const type = Array.isArray(value) ? 'array' : typeof value;
  if (type !== constraints.type) return `is of type ${type}, not ${constraints.type}`;
  if (constraints.type === 'number') return rangeFault(constraints, value as number);
  if (constraints.type === 'string') return textFault(constraints, value as string);
  if (constraints.type !== 'array' || constraints.elements === undefined) return undefined;
  const { elements } = constraints;
  return (value as unknown[]).map((element) => valueFault(elements, element)).find((fault) => fault !== undefined);
}

function rangeFault({ minimum, maximum }: z.infer<typeof numberConstraints>, value: number): string | undefined {
  if (minimum !== undefined && value < minimum) return `is less than ${minimum}`;
  return maximum !== undefined && value > maximum ? `is more than ${maximum}` : undefined;
}

function textFault({ pattern, enum: values }: z.infer<typeof stringConstraints>, value: string): string | undefined {
  if (pattern !== undefined && !new RegExp(pattern).test(value)) return `does not match ${pattern}`;
  return values !== undefined && !values.includes(value) ? `is none of ${values.join(', ')}` : undefined;
}
