/**
 * A query string's parameters by name. Read from the raw text, because the gateway joins what is repeated with a comma.
 *
 * @returns undefined where one is repeated
 */
export function queryFields(rawQueryString: string): Readonly<Record<string, string>> | undefined {
  const parameters = [...new URLSearchParams(rawQueryString)];
  if (new Set(parameters.map(([name]) => name)).size < parameters.length) return undefined;
  return Object.fromEntries(parameters);
}
