import type * as z from 'zod';

/**
 * What does not fit a schema, in one line: `path: message`, cut by semicolons. Zod's messages do not repeat values, so
 * that this may be logged and dead-lettered.
 *
 * @param whole what the value as such is called, where the fault is in no field of it
 * @param within the path to the value itself
 */
export function faultsOf({ issues }: z.ZodError, whole: string, within: readonly string[] = []): string {
  return issues.map(({ path, message }) => `${[...within, ...path].join('.') || whole}: ${message}`).join('; ');
}
