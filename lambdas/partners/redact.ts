import { isSecretFields } from '../shared/secret-text.ts';
import { headerValuesOf, type IntegrationSecret } from './integration-secret.ts';

const REDACTED = '[redacted]';

/**
 * All values of an integration's secret that must be redacted. A client id is no secret, and the key of a client certificate is
 * never sent.
 */
export function secretTexts(secret: IntegrationSecret): readonly string[] {
  const { signing_secrets, bearer_token, api_key, client_secret, encryption_key } = secret;
  const signing = signing_secrets.flatMap((text) => [text, text.replace('whsec_', '')]);
  const headers = headerValuesOf(secret);
  const ofHeaders = isSecretFields(headers) ? Object.values(headers) : [];
  // Keys such as `headers.tenant`.
  const flat = Object.entries(secret).flatMap(([key, value]) => (key.startsWith('headers.') ? [value] : []));
  const others = [bearer_token, api_key, client_secret, encryption_key, ...ofHeaders, ...flat];
  // As they are sent: `credentials.ts` removes the same.
  return [
    ...signing,
    ...others.flatMap((text) => (typeof text === 'string' ? text.trim().replace(/^Bearer +/i, '') : [])),
  ];
}

/** Levels of escaping that are undone: JSON in a JSON string, in HTML. */
const MAX_LEVELS = 4;

/**
 * Redacts secrets in a partner's text: verbatim, escaped as in JSON, HTML or URLs, and as part of base64. At the end of the
 * text, the beginning of a secret is redacted too, since responses are truncated.
 *
 * @param secrets texts of any length
 */
export function redact(text: string, secrets: readonly string[]): string {
  const spellings = [...new Set(secrets.flatMap(spellingsOf))].filter((spelling) => spelling !== '');
  const isSecret = new Uint8Array(text.length);
  let view = viewOf(text);
  for (let level = 0; level < MAX_LEVELS; level += 1) {
    for (const spelling of spellings) mark(view, spelling, isSecret);
    const next = unescaped(view);
    if (next.text === view.text) break;
    view = next;
  }
  return withoutMarked(text, isSecret);
}

/** An unescaped text. `starts` has the position of each character in the original text, and then the end of the last one. */
interface View {
  readonly text: string;
  readonly starts: readonly number[];
}

function viewOf(text: string): View {
  return { text, starts: Array.from({ length: text.length + 1 }, (_, at) => at) };
}

/** An escaped character in JSON, JavaScript, a URL or HTML. */
const ESCAPE =
  /\\u([0-9a-f]{4})|\\x([0-9a-f]{2})|%([0-9a-f]{2})|&#x([0-9a-f]{1,6});|&#(\d{1,7});|&(amp|lt|gt|quot|apos);|\\([^ux])/gi;

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** An incomplete escape at the end of a text. */
const CUT_ESCAPE = /(\\(u[0-9a-f]{0,3}|x[0-9a-f]?)?|%[0-9a-f]?|&[#0-9a-z]{0,8})$/i;

function unescaped({ text, starts }: View): View {
  const end = CUT_ESCAPE.exec(text)?.index ?? text.length;
  const parts: string[] = [];
  const unescapedStarts: number[] = [];
  let at = 0;
  const takeTo = (next: number) => {
    parts.push(text.slice(at, next));
    for (; at < next; at += 1) unescapedStarts.push(starts[at] as number);
  };
  for (const found of text.slice(0, end).matchAll(ESCAPE)) {
    takeTo(found.index);
    parts.push(characterOf(found));
    unescapedStarts.push(starts[at] as number);
    at += found[0].length;
  }
  takeTo(end);
  return { text: parts.join(''), starts: [...unescapedStarts, starts.at(-1) as number] };
}

/** One UTF-16 code unit, the unit of positions. Other characters of secrets occur only as `%` escapes of UTF-8. */
function characterOf([, u, x, percent, hex, decimal, name, itself]: RegExpExecArray): string {
  const code = u ?? x ?? percent ?? hex;
  if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
  if (decimal !== undefined) return String.fromCharCode(Number(decimal));
  return name === undefined ? (itself ?? '') : (NAMED[name.toLowerCase()] ?? '');
}

/** Marks all occurrences of a spelling, and its beginning at the end of the text. */
function mark({ text, starts }: View, spelling: string, isSecret: Uint8Array): void {
  for (let at = text.indexOf(spelling); at >= 0; at = text.indexOf(spelling, at + 1)) {
    isSecret.fill(1, starts[at], starts[at + spelling.length]);
  }
  const cut = beginningAtEnd(text, spelling);
  if (cut > 0) isSecret.fill(1, starts[text.length - cut]);
}

function withoutMarked(text: string, isSecret: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < text.length; ) {
    const marked = isSecret[at];
    let end = at;
    while (end < text.length && isSecret[end] === marked) end += 1;
    parts.push(marked ? REDACTED : text.slice(at, end));
    at = end;
  }
  return parts.join('');
}

/** Shorter parts reveal nothing of a secret, and occur at the end of many texts. */
const MIN_PART_CHARACTERS = 4;

/**
 * The spellings of a secret: verbatim; with sequences that look like escapes undone; the bytes of its UTF-8, as URLs escape
 * them; and as part of base64, in three forms that depend on its offset.
 */
function spellingsOf(secret: string): string[] {
  const within = [0, 1, 2].map((offset) => {
    const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(secret)]);
    // Without characters that also encode adjacent bytes.
    return bytes.toString('base64').slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6));
  });
  const base64 = within.filter(({ length }) => length >= MIN_PART_CHARACTERS);
  const base64Url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  return [secret, unescaped(viewOf(secret)).text, Buffer.from(secret).toString('latin1'), ...base64, ...base64Url];
}

/** @returns the number of characters at the end of `text` that are the beginning of `secret`; 0 if too few */
function beginningAtEnd(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length >= MIN_PART_CHARACTERS; length -= 1) {
    if (text.endsWith(secret.slice(0, length))) return length;
  }
  return 0;
}
