/** An item before it is marshalled. Undefined attributes are not written. */
export type Item = Readonly<Record<string, unknown>>;

/**
 * An item's size in bytes as DynamoDB counts it, which is what write units are charged by: names and values, in UTF-8
 * (DynamoDB Developer Guide, "Item sizes and formats"). Its rule for numbers is an approximation; here it is rounded up.
 */
export function itemBytes(item: Item): number {
  return Object.entries(item).reduce(
    (sum, [name, value]) => (value === undefined ? sum : sum + Buffer.byteLength(name) + valueBytes(value)),
    0,
  );
}

/** A list or map takes 3 bytes, and one more for each element. */
const COLLECTION_BYTES = 3;

function valueBytes(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number') return numberBytes(value);
  if (Array.isArray(value)) return value.reduce((sum, one) => sum + 1 + valueBytes(one), COLLECTION_BYTES);
  if (typeof value !== 'object' || value === null) return 1;
  const elements = Object.values(value).filter((one) => one !== undefined).length;
  return COLLECTION_BYTES + elements + itemBytes(value as Item);
}

/** A byte for every two digits, one more where they stand astride a pair, one for the sign, and one besides. */
function numberBytes(value: number): number {
  const digits = String(Math.abs(value)).replace('.', '').length;
  return Math.ceil((digits + 1) / 2) + 1 + (value < 0 ? 1 : 0);
}
