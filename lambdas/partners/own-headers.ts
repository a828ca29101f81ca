/**
 * Headers that only the sender or the connection may set. An integration must not replace the signature or what describes
 * the event, and a second `Host` or length would permit request smuggling.
 */
const OWN_HEADERS = [
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'event-type',
  'expect',
  'host',
  'keep-alive',
  'payload-format',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'traceparent',
  'trailer',
  'transfer-encoding',
  'upgrade',
];

/** A header's name: a `token` (RFC 9110) of at most 64 characters. */
export const HEADER_NAME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;

/**
 * Matches these headers and those of the signature, in any case. AppConfig's validator has the same pattern in a `not`: its
 * patterns have no flags, and some engines have no lookahead.
 */
export const OWN_HEADER = new RegExp(`^((${OWN_HEADERS.map(anyCase).join('|')})$|${anyCase('webhook-')})`);

function anyCase(text: string): string {
  return text.replace(/[a-z]/g, (letter) => `[${letter.toUpperCase()}${letter}]`);
}

/** `User-Agent` of all requests to partners. The version is that of the contract, not of the code. */
export const USER_AGENT = 'learning-time-webhooks/1';
