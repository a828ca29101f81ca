import type { IntegrationSecret } from '../contract/integration-secret.ts';

const REDACTED = '[redacted]';

/** Everything in an integration's secret that must not be repeated. A client id is no secret. */
export function secretTexts(secret: IntegrationSecret): readonly string[] {
  const { signing_secrets, bearer_token, api_key, client_secret, encryption_key, headers = {} } = secret;
  const signing = signing_secrets.flatMap((text) => [text, text.replace('whsec_', '')]);
  const others = [bearer_token, api_key, client_secret, encryption_key, ...Object.values(headers)];
  return [...signing, ...others.filter((text) => text !== undefined)];
}

/**
 * A text of somebody else's without the secrets that it may repeat: as they are, in JSON, HTML, a URL or base64, and at its
 * end also the beginning of one, since responses are cut.
 *
 * @param secrets texts of any length
 */
export function redact(text: string, secrets: readonly string[]): string {
  const spellings = new Set(secrets.flatMap(spellingsOf).filter((spelling) => spelling !== ''));
  // The longest first: one may hold another.
  const ordered = [...spellings].sort((one, other) => other.length - one.length);
  const whole = ordered.reduce((rest, spelling) => rest.replaceAll(spelling, REDACTED), text);
  const cut = Math.max(0, ...ordered.map((spelling) => beginningAtEnd(whole, spelling)));
  return cut === 0 ? whole : `${whole.slice(0, -cut)}${REDACTED}`;
}

function spellingsOf(secret: string): string[] {
  const html = secret
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
  const json = JSON.stringify(secret).slice(1, -1);
  const slashes = json.replaceAll('/', '\\/');
  return [secret, json, slashes, html, encodeURIComponent(secret), Buffer.from(secret).toString('base64')];
}

/** Fewer characters tell nothing of a secret, and many texts end with them. */
const TELLING_CHARACTERS = 4;

/** @returns how many characters at the end of `text` are the beginning of `secret`; 0 where too few */
function beginningAtEnd(text: string, secret: string): number {
  for (let length = Math.min(secret.length - 1, text.length); length >= TELLING_CHARACTERS; length -= 1) {
    if (text.endsWith(secret.slice(0, length))) return length;
  }
  return 0;
}
