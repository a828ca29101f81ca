import * as z from 'zod';
import { integrationSchema } from '../../lambdas/partners/integration.ts';

interface JsonSchema {
  readonly type?: string;
  readonly default?: unknown;
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly items?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly oneOf?: readonly JsonSchema[];
}

/** The first three cells of an integration's field in docs/deploy/reference.md: name, type and default, in Markdown. */
export function integrationFields(): (readonly [name: string, type: string, usual: string])[] {
  const schema = z.toJSONSchema(integrationSchema, { target: 'draft-4', io: 'input' }) as JsonSchema;
  return Object.entries(schema.properties ?? {}).map(([name, field]) => [
    `\`${name}\``,
    typeOf(field),
    schema.required?.includes(name) ? 'required' : defaultOf(field),
  ]);
}

function defaultOf({ default: value }: JsonSchema): string {
  if (value === undefined) return 'none';
  return `\`${typeof value === 'string' ? value : JSON.stringify(value)}\``;
}

function typeOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${value}\``).join(', ');
  if (schema.oneOf !== undefined) return kindsOf(schema.oneOf);
  if (schema.type === 'integer') return `integer, ${schema.minimum} to ${schema.maximum}`;
  if (schema.type === 'array') return listOf(schema);
  if (schema.type === 'object') return objectOf(schema);
  if (schema.maxLength !== undefined) return `text, at most ${schema.maxLength} characters`;
  return schema.type === 'string' ? 'text' : String(schema.type ?? 'object');
}

function listOf({ items = {}, minItems, maxItems }: JsonSchema): string {
  const bounds = [minItems === undefined ? 'up to' : `${minItems} to`, maxItems].join(' ');
  return `list of ${typeOf(items)}${maxItems === undefined ? '' : `; ${bounds} entries`}`;
}

/** An object whose values are all alike, by event type for one. */
function objectOf({ properties = {} }: JsonSchema): string {
  const types = new Set(Object.values(properties).map(typeOf));
  return `object of ${[...types].join(' or ')}`;
}

/** An object of one of several kinds, which its `type` names. */
function kindsOf(kinds: readonly JsonSchema[]): string {
  return `object of type ${kinds.map(({ properties }) => typeOf(properties?.type ?? {})).join(', ')}`;
}
