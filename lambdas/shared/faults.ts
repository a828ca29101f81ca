import type * as z from 'zod';

/**
 * Formats schema issues as one line: `path: message`, separated by semicolons. Zod's messages do not repeat values, so the
 * line may be logged and used as a dead-letter reason.
 *
 * @param whole the name of the value, for issues that have no path
 * @param within the path to the value
 */
export function faultsOf({ issues }: z.ZodError, whole: string, within: readonly string[] = []): string {
  return issues.map(({ path, message }) => `${[...within, ...path].join('.') || whole}: ${message}`).join('; ');
}
