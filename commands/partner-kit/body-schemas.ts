import * as z from 'zod';
import { definitionOfType, EVENT_TYPES, type EventType } from '../../lambdas/events/event-types/event-types.ts';
import {
  definitionOfFormat,
  PAYLOAD_FORMATS,
  type PayloadFormat,
} from '../../lambdas/partners/payload-formats/payload-formats.ts';
import type { SampleBody } from './kit/sample-body.ts';

/** A JSON Schema of the version 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const VERSION = 'https://json-schema.org/draft/2020-12/schema';

const NOTES =
  'Other fields are allowed, now and later. If fields are encrypted, it describes the body after decryption.';

/** The file of the schema of a body; only a type that takes learning time differs between the formats. */
export function schemaFile(type: EventType, format: PayloadFormat): string {
  return definitionOfType(type).enrichment === 'none' ? `${type}.json` : `${type}.${format}.json`;
}

/**
 * The published schemas of all bodies, by file name. They are generated from the schemas with which the functions check an
 * event when it is accepted, and a payload before it is sent.
 *
 * @param samples shown as examples
 */
export function bodySchemas(samples: readonly SampleBody[]): ReadonlyMap<string, JsonSchema> {
  const all = EVENT_TYPES.flatMap((type) =>
    PAYLOAD_FORMATS.map((format): [string, JsonSchema] => {
      const file = schemaFile(type, format);
      const isOfFile = ({ eventType, payloadFormat }: SampleBody) =>
        schemaFile(eventType as EventType, payloadFormat as PayloadFormat) === file;
      const bodies = samples.filter((sample) => isOfFile(sample) && isExample(sample)).map(({ body }) => body);
      const examples = [...new Set(bodies)].map((body): unknown => JSON.parse(body));
      const schema = definitionOfType(type).enrichment === 'none' ? publishedAs(type) : composedAs(type, format);
      return [file, { $schema: VERSION, ...schema, examples }];
    }),
  );
  return new Map(all);
}

/** An encrypted field is a text, and numbers that JavaScript writes differently would be shown wrongly. */
function isExample({ body, encryptionKey }: SampleBody): boolean {
  return encryptionKey === undefined && JSON.stringify(JSON.parse(body)) === body;
}

/** A body that is the payload as it was published. */
function publishedAs(type: EventType): JsonSchema {
  const { payload, kinds } = definitionOfType(type);
  const rules = Object.entries(kinds?.byName ?? {}).flatMap(([name, kind]) => {
    if (kind.payload === undefined) return [];
    const isOfKind = { properties: { [kinds?.field ?? '']: { const: name } } };
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema.
    return [{ if: isOfKind, then: partOf(kind.payload) }];
  });
  return {
    title: `Body of ${type}, in every payload format`,
    description: NOTES,
    ...(payload === undefined ? { type: 'object' } : partOf(payload)),
    ...(rules.length > 0 && { allOf: rules }),
  };
}

function composedAs(type: EventType, format: PayloadFormat): JsonSchema {
  const { schema, schemaWithoutLearningTime = schema } = definitionOfFormat(format);
  return {
    title: `Body of ${type} in the payload format ${format}`,
    description: NOTES,
    type: 'object',
    anyOf: [{ $ref: '#/$defs/with_learning_time' }, { $ref: '#/$defs/without_learning_time' }],
    $defs: { with_learning_time: partOf(schema), without_learning_time: partOf(schemaWithoutLearningTime) },
  };
}

/** `io: 'input'`: other fields are allowed, as when the functions check. */
function partOf(schema: z.ZodType): JsonSchema {
  const { $schema: _, ...part } = z.toJSONSchema(schema, { io: 'input' });
  return part;
}
