import { isIP } from 'node:net';
import type { AddressGuard } from './address-guard.ts';

/** The stage's rules for partner URLs. */
export interface TargetRules {
  readonly allowPlainHttp: boolean;
  readonly allowedPorts: readonly number[] | 'any';
}

/** A permitted URL, parsed. */
export interface Target {
  readonly protocol: 'https:' | 'http:';
  /** Scheme, host and port: connections are shared and limited per origin. */
  readonly origin: string;
  /** The port is left out if it is the protocol's default. */
  readonly hostHeader: string;
  /** Options of `http.request` and of the connection. */
  readonly options: {
    readonly method: 'POST';
    /** Without brackets. */
    readonly host: string;
    readonly port: number;
    readonly path: string;
    /** The name that the certificate must have; without it Node uses a `Host` header. Empty for an IP address. */
    readonly servername: string;
  };
}

type Refusal = 'INVALID_URL' | 'FORBIDDEN_URL' | 'FORBIDDEN_PORT' | 'FORBIDDEN_ADDRESS';

/** Parsed URLs that are cached. */
const MAX_CACHED = 1_000;

/** @returns a function that returns a URL's target, or the code of the violated rule; results are cached */
export function createTargetFinder(rules: TargetRules, isAllowed: AddressGuard): (url: string) => Target | Refusal {
  const cached = new Map<string, Target | Refusal>();
  return (url) => {
    let found = cached.get(url);
    if (found === undefined) {
      found = findTarget(url, rules, isAllowed);
      for (const oldest of cached.keys()) {
        if (cached.size < MAX_CACHED) break;
        cached.delete(oldest);
      }
      cached.set(url, found);
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
  // Node treats port 0 as the default port, which may not be in the list.
  if (port === 0 || (rules.allowedPorts !== 'any' && !rules.allowedPorts.includes(port))) return 'FORBIDDEN_PORT';
  // A name is resolved and its addresses are checked at connect time; for an IP address there is no lookup.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const isAddress = isIP(host) !== 0;
  if (isAddress && !isAllowed(host)) return 'FORBIDDEN_ADDRESS';
  const path = url.pathname + url.search;
  const options = { method: 'POST', host, port, path, servername: isAddress ? '' : host } as const;
  return { protocol, origin: `${protocol}//${url.hostname}:${port}`, hostHeader: url.host, options };
}
