/**
 * A JSON reader of the tests' own, which shares no code with what it judges: values with their numbers as text, so that
 * two documents are equal only where every number is spelt the same. Strings are read by `JSON.parse`, object members
 * sorted by name (their order means nothing, and JavaScript moves those that look like indexes).
 */
export type JsonValue =
  | { readonly number: string }
  | { readonly array: readonly JsonValue[] }
  | { readonly object: readonly (readonly [string, JsonValue])[] }
  | string
  | boolean
  | null;

const TOKEN = /\s*([{}[\],:]|"(?:[^"\\]|\\.)*"|true|false|null|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*/gy;

export function readJsonValue(text: string): JsonValue {
  const tokens = [...text.matchAll(TOKEN)].map(([, token]) => token ?? '');
  let position = 0;
  const take = () => tokens[position++] ?? '';
  const separated = <T>(end: string, read: () => T): T[] => {
    const items: T[] = [];
    if (tokens[position] === end) position += 1;
    else
      do items.push(read());
      while (take() === ',');
    return items;
  };
  const member = (): readonly [string, JsonValue] => {
    const name = JSON.parse(take()) as string;
    take();
    return [name, value()];
  };
  const value = (): JsonValue => {
    const token = take();
    if (token === '{') return { object: separated('}', member).sort(([one], [other]) => (one < other ? -1 : 1)) };
    if (token === '[') return { array: separated(']', value) };
    if (/^[-\d]/.test(token)) return { number: token };
    return JSON.parse(token) as string | boolean | null;
  };
  const read = value();
  if (position !== tokens.length) throw new SyntaxError('more than one value');
  return read;
}

/** The members of an object, by name. */
export function members(text: string): Map<string, JsonValue> {
  const value = readJsonValue(text);
  if (typeof value !== 'object' || value === null || !('object' in value)) throw new TypeError('not an object');
  return new Map(value.object);
}
