import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { AddressGuard } from './address-guard.ts';

/** `dns.lookup`, as far as it is used here. */
export type LookupAll = (
  hostname: string,
  options: LookupOptions & { all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/** A question that is older is asked anew, by the wall clock: as long as a resolver waits for one of its servers. */
const SHARED_FOR_MS = 5_000;

/**
 * A lookup for sockets that leaves only addresses the guard permits. The socket connects to what comes out of here and
 * asks nobody again, so a name cannot be bound to something else between the check and the connection. IPv6 addresses are
 * left where there is no IPv4 one.
 *
 * Sockets that ask for one name at the same time share one question: each occupies one of the few threads of Node's
 * pool until it is answered, and a partner's dead name server must not keep the others' names waiting.
 *
 * @param now wall clock, ms
 * @returns a lookup that fails with the code FORBIDDEN_ADDRESS where no address is left
 */
export function guardedLookup(isAllowed: AddressGuard, lookup: LookupAll, now: () => number): LookupFunction {
  const pending = new Map<string, { readonly addresses: Promise<LookupAddress[]>; readonly startedAtMs: number }>();

  function addressesOf(hostname: string, options: LookupOptions): Promise<LookupAddress[]> {
    const key = `${hostname} ${options.family ?? 0} ${options.hints ?? 0}`;
    const asked = pending.get(key);
    // An older one may have been frozen with the function, and then fails for a network that is long another.
    if (asked !== undefined && now() - asked.startedAtMs <= SHARED_FOR_MS) return asked.addresses;
    const startedAtMs = now();
    const addresses = ask(lookup, hostname, options).finally(() => {
      if (pending.get(key)?.startedAtMs === startedAtMs) pending.delete(key);
    });
    pending.set(key, { addresses, startedAtMs });
    return addresses;
  }

  return (hostname, options, callback) => {
    addressesOf(hostname, options).then(
      (addresses) => {
        const allowed = ipv4WhereThereIs(addresses.filter(({ address }) => isAllowed(address)));
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
 * The stage's network has no IPv6 (lib/network.ts), and partners allow-list its IPv4 addresses. Between both families Node
 * would race for time: a distant IPv4 address is given up for an IPv6 one that no route leads to.
 */
function ipv4WhereThereIs(addresses: LookupAddress[]): LookupAddress[] {
  const ipv4 = addresses.filter(({ family }) => family === 4);
  return ipv4.length > 0 ? ipv4 : addresses;
}

/** Of the time for a request or a check, one address of several gets a third: two may be out of order. */
export function timePerAddressMs(leftMs: number): number {
  return Math.max(1, Math.floor(leftMs / 3));
}

function ask(lookup: LookupAll, hostname: string, options: LookupOptions): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    lookup(hostname, { ...options, all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });
}

/** The error of a connection that must not be made. */
export function forbiddenAddress(): NodeJS.ErrnoException {
  return Object.assign(new Error('the address is not public'), { code: 'FORBIDDEN_ADDRESS' });
}
