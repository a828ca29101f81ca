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

/** A header's name: what HTTP calls a `token` (RFC 9110), at most 64 characters. */
export const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;

/**
 * A name of those above, or one of the signature's, in any case. AppConfig's validator has the same rule as `not`: its
 * patterns have no flags, and no lookahead in some engines.
 */
export const OWN_HEADER = new RegExp(`^((${OWN_HEADERS.map(anyCase).join('|')})$|${anyCase('webhook-')})`);

function anyCase(text: string): string {
  return text.replace(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);
}

/** Who sends, in every request to a partner. The version is that of the contract, not of the code. */
export const USER_AGENT = 'learning-time-webhooks/1';
