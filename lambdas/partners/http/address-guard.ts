import { BlockList, isIP } from 'node:net';
import { EnvironmentInvalid } from '../../shared/errors.ts';

/** Whether a socket may be opened to this address; false for a text that is no address. */
export type AddressGuard = (address: string) => boolean;

/** IANA's special-purpose registry for IPv4, multicast, and the reserved networks. */
const SPECIAL_IPV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
  // Azure's platform endpoint, where Azure hosts reach their metadata, has a public address.
  '168.63.129.16/32',
];

/**
 * The IPv6 network that is allocated as global unicast. Outside of it are loopback, link-local, site-local, unique-local,
 * multicast, discard, and all forms that embed an IPv4 address: mapped, compatible, NAT64.
 */
const GLOBAL_UNICAST_IPV6 = ['2000::/3'];

/** IANA's special-purpose networks within it: protocol assignments with Teredo, documentation (two), 6to4. */
const SPECIAL_IPV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'];

const specialIpv4 = networks(SPECIAL_IPV4);
const globalUnicastIpv6 = networks(GLOBAL_UNICAST_IPV6);
const specialIpv6 = networks(SPECIAL_IPV6);

/**
 * Creates a guard that permits only globally reachable unicast addresses.
 *
 * @param allowedCidrs networks that are permitted too, such as `10.1.0.0/16` or `fd00::/8`. An IPv6 address that embeds an
 *   IPv4 address is permitted by an IPv6 network only
 * @throws EnvironmentInvalid if one of them is no network
 */
export function createAddressGuard(allowedCidrs: readonly string[]): AddressGuard {
  // Two lists, because a BlockList matches a mapped IPv6 address with the IPv4 networks in it.
  const allowedIpv4 = networks(allowedCidrs.filter((cidr) => !cidr.includes(':')));
  const allowedIpv6 = networks(allowedCidrs.filter((cidr) => cidr.includes(':')));
  return (address) => {
    // An address with a zone is link-local.
    if (address.includes('%')) return false;
    const family = isIP(address);
    if (family === 4) return allowedIpv4.check(address) || !specialIpv4.check(address);
    if (family === 6) return allowedIpv6.check(address, 'ipv6') || isGlobalIpv6(address);
    return false;
  };
}

function isGlobalIpv6(address: string): boolean {
  return globalUnicastIpv6.check(address, 'ipv6') && !specialIpv6.check(address, 'ipv6') && !isIsatap(address);
}

/** ISATAP (RFC 5214, 6.1): a router tunnels to the IPv4 address in the last 32 bits, with any prefix. */
function isIsatap(address: string): boolean {
  const [, , , , local, marker] = groupsOf(address);
  return marker === '5efe' && (local === '0' || local === '200');
}

/** The eight groups of an IPv6 address, lowercase and without leading zeros. */
function groupsOf(address: string): string[] {
  const [head = '', tail = ''] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
  const [left, right] = [head, tail].map((part) => part.split(':').filter((group) => group !== ''));
  const zeros = Array(8 - (left?.length ?? 0) - (right?.length ?? 0)).fill('0');
  return [...(left ?? []), ...zeros, ...(right ?? [])];
}

function networks(cidrs: readonly string[]): BlockList {
  const list = new BlockList();
  for (const cidr of cidrs) {
    const [, base = '', prefix] = /^(.+)\/(\d{1,3})$/.exec(cidr) ?? [];
    const family = isIP(base);
    const bits = Number(prefix);
    if (family === 0 || base.includes('%') || bits > (family === 4 ? 32 : 128)) {
      throw new EnvironmentInvalid(`not a network in CIDR notation: ${cidr}`);
    }
    list.addSubnet(base, bits, family === 4 ? 'ipv4' : 'ipv6');
  }
  return list;
}
