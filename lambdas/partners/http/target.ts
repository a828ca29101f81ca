import { isIP } from 'node:net';
import type { AddressGuard } from './address-guard.ts';

/** What a stage permits of a partner's URL. */
export interface TargetRules {
  readonly allowPlainHttp: boolean;
  readonly allowedPorts: readonly number[] | 'any';
}

/** A URL that requests may go to, taken apart once. */
export interface Target {
  readonly protocol: 'https:' | 'http:';
  /** Host and port: connections are shared, and counted, by these. */
  readonly origin: string;
  /** As `http.request` takes them. */
  readonly options: {
    readonly method: 'POST';
    /** Without brackets. */
    readonly host: string;
    readonly port: number;
    readonly path: string;
    /** The name that the certificate is checked for; Node would take a header `Host` for it. Empty for an address. */
    readonly servername: string;
  };
}

type Refusal = 'INVALID_URL' | 'FORBIDDEN_URL' | 'FORBIDDEN_PORT' | 'FORBIDDEN_ADDRESS';

/** So many URLs are remembered: more than a stage has integrations. */
const MAX_REMEMBERED = 1_000;

/** @returns what finds a URL's target, or the code that says why there is none; it remembers both */
export function createTargetFinder(rules: TargetRules, isAllowed: AddressGuard): (url: string) => Target | Refusal {
  const remembered = new Map<string, Target | Refusal>();
  return (url) => {
    let found = remembered.get(url);
    if (found === undefined) {
      found = findTarget(url, rules, isAllowed);
      for (const oldest of remembered.keys()) {
        if (remembered.size < MAX_REMEMBERED) break;
        remembered.delete(oldest);
      }
      remembered.set(url, found);
    }
    return found;
  };
}

function findTarget(text: string, rules: TargetRules, isAllowed: AddressGuard): Target | Refusal {
  const url = URL.parse(text);
  if (url === null) return 'INVALID_URL';
  const { protocol } = url;
  if (protocol !== 'https:' && !(protocol === 'http:' && rules.allowPlainHttp)) return 'FORBIDDEN_URL';
  if (url.username !== '' || url.password !== '') return 'FORBIDDEN_URL';
  const port = url.port === '' ? { 'https:': 443, 'http:': 80 }[protocol] : Number(url.port);
  // Node takes port 0 for the default one, which the list may not hold.
  if (port === 0 || (rules.allowedPorts !== 'any' && !rules.allowedPorts.includes(port))) return 'FORBIDDEN_PORT';
  // A name is resolved, and its addresses are checked, when a connection is made; for an address nothing is looked up.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isAddress = isIP(host) !== 0;
  if (isAddress && !isAllowed(host)) return 'FORBIDDEN_ADDRESS';
  const path = url.pathname + url.search;
  const options = { method: 'POST', host, port, path, servername: isAddress ? '' : host } as const;
  return { protocol, origin: `${protocol}//${url.hostname}:${port}`, options };
}
