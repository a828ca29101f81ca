/**
 * What differs between two deliveries that failed alike, in this order: an address, a time, an id, a number. The status
 * of a response is no such number.
 */
const VARYING =
  /(?<!\w)(?:(?<url>https?:\/\/\S+)|(?<time>\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?)|(?<id>wh_[0-9a-f]+|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=\d*[a-f])(?=[a-f]*\d)[0-9a-f]{8,})|(?<!\bHTTP )(?<number>\d+(?:[.,:]\d+)*))(?!\w)/gi;

/** What a terminal would execute, what turns text around, and what no font shows. */
const HIDDEN = /\p{C}/gu;

/**
 * The reason of a delivery without what is only its own: `8 attempts failed, the last with: HTTP 503` becomes
 * `<number> attempts failed, the last with: HTTP 503`. It is one line, and a person can type each of its characters, or
 * paste it. The pattern of a pattern is the same pattern.
 */
export function reasonPattern(reason: string): string {
  const line = reason.replaceAll(/\s+/g, ' ').replaceAll(HIDDEN, '?').trim();
  return line.replaceAll(VARYING, (...matched) => {
    const [kind = 'number'] = Object.entries(matched.at(-1) as Record<string, string | undefined>).flatMap(
      ([name, value]) => (value === undefined ? [] : [name]),
    );
    return `<${kind}>`;
  });
}

/** What a delivery without a reason is grouped under. */
export const NO_REASON = 'no reason is recorded';
