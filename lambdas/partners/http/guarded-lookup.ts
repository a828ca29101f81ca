import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { AddressGuard } from './address-guard.ts';

/** The part of `dns.lookup` that is used here. */
export type LookupAll = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** An older lookup is not shared, by the wall clock. A resolver waits this long for one of its servers. */
const SHARED_FOR_MS = 5_000;

/**
 * Creates a lookup for sockets that returns only addresses the guard permits. The socket connects to one of them without
 * another lookup, so a name cannot be rebound between check and connection. IPv6 addresses are used only if there is no
 * IPv4 address.
 *
 * Concurrent lookups of one name are shared: each occupies one of the few threads of libuv's pool, and a partner's dead
 * name server must not delay the lookups of other names.
 *
 * @param now wall clock, in milliseconds
 * @returns a lookup that fails with the code FORBIDDEN_ADDRESS if no address is permitted
 */
export function guardedLookup(isAllowed: AddressGuard, lookup: LookupAll, now: () => number): LookupFunction {
  const pending = new Map<string, { readonly addresses: Promise<LookupAddress[]>; readonly startedAtMs: number }>();

  function addressesOf(hostname: string, options: LookupOptions): Promise<LookupAddress[]> {
    const key = `${hostname} ${options.family ?? 0} ${options.hints ?? 0}`;
    const shared = pending.get(key);
    // An older lookup may have been frozen with the function, and fails after a thaw.
    if (shared !== undefined && now() - shared.startedAtMs <= SHARED_FOR_MS) return shared.addresses;
    const startedAtMs = now();
    const addresses = lookUpAll(lookup, hostname, options).finally(() => {
      if (pending.get(key)?.startedAtMs === startedAtMs) pending.delete(key);
    });
    pending.set(key, { addresses, startedAtMs });
    return addresses;
  }

  return (hostname, options, callback) => {
    addressesOf(hostname, options).then(
      (addresses) => {
        const allowed = preferIpv4(addresses.filter(({ address }) => isAllowed(address)));
        const [first] = allowed;
        if (first === undefined) callback(forbiddenAddress(), []);
        else if (options.all) callback(null, allowed);
        else callback(null, first.address, first.family);
      },
      (error: NodeJS.ErrnoException) => callback(error, []),
    );
  };
}

/**
 * The stage's network has no IPv6 (lib/network.ts), and partners allow-list its IPv4 addresses. With both families Node
 * races them by time, and would abandon a distant IPv4 address for an unreachable IPv6 address.
 */
function preferIpv4(addresses: LookupAddress[]): LookupAddress[] {
  const ipv4 = addresses.filter(({ family }) => family === 4);
  return ipv4.length > 0 ? ipv4 : addresses;
}

/** Each of several addresses gets a third of the remaining time, so that two unreachable ones leave time for a third. */
export function timePerAddressMs(leftMs: number): number {
  return Math.max(1, Math.floor(leftMs / 3));
}

function lookUpAll(lookup: LookupAll, hostname: string, options: LookupOptions): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });
}

/** The error of a connection to an address that the guard does not permit. */
export function forbiddenAddress(): NodeJS.ErrnoException {
  return Object.assign(new Error('the address is not public'), { code: 'FORBIDDEN_ADDRESS' });
}
