/**
 * Headers that the sender, or the connection, sets itself: no integration may. The signature's cannot be replaced, and
 * a second `Host` or length would let one request be read as two.
 */
const OWN_HEADERS = [
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/**
 * The names that an integration's headers may have: a name as HTTP has it (RFC 9110, `token`), at most 64 characters,
 * and none of those above in any case. One pattern, so that AppConfig's validator (JSON Schema draft-04, without flags)
 * holds it too.
 */
export const CUSTOM_HEADER_NAME = new RegExp(
  `^(?!(${OWN_HEADERS.map(anyCase).join('|')})$)(?!${anyCase('webhook-')})[A-Za-z0-9!#$%&'*+.^_\`|~-]{1,64}$`,
);

function anyCase(text: string): string {
  return text.replace(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);
}
