import { isRecord } from '../shared/json.ts';

const { isRawJSON } = JSON as unknown as { isRawJSON(value: unknown): boolean };

/**
 * Whether a value of `parseKeepingNumbers` is a JSON object. A number that it keeps as written (`JSON.rawJSON`) is an
 * object to JavaScript too, and not one to walk into.
 */
export function isJsonObject(value: unknown): value is Record<string, unknown> {
  return isRecord(value) && !isRawJSON(value);
}
