import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createAddressGuard } from '../../../lambdas/partners/http/address-guard.ts';

const isAllowed = createAddressGuard([]);

/** Every block that no partner has, by another arithmetic than the guard's: first address and prefix length. */
const REFUSED_IPV4: readonly [string, number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];
const REFUSED_IPV6: readonly [string, number][] = [
  ['0:0:0:0:0:0:0:0', 3],
  ['4000:0:0:0:0:0:0:0', 2],
  ['8000:0:0:0:0:0:0:0', 1],
  ['2001:0:0:0:0:0:0:0', 23],
  ['2001:db8:0:0:0:0:0:0', 32],
  ['2002:0:0:0:0:0:0:0', 16],
  ['3fff:0:0:0:0:0:0:0', 20],
];

function ipv4Number(text: string): bigint {
  return text.split('.').reduce((sum, byte) => sum * 256n + BigInt(byte), 0n);
}
function ipv4Text(value: bigint): string {
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 255n).join('.');
}
function ipv6Number(text: string): bigint {
  return text.split(':').reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
}
function ipv6Text(value: bigint): string {
  const shifts = [112n, 96n, 80n, 64n, 48n, 32n, 16n, 0n];
  return shifts.map((shift) => ((value >> shift) & 65_535n).toString(16)).join(':');
}

interface Family {
  readonly bits: bigint;
  readonly refused: readonly [string, number][];
  readonly toNumber: (text: string) => bigint;
  readonly toText: (value: bigint) => string;
}
const IPV4: Family = { bits: 32n, refused: REFUSED_IPV4, toNumber: ipv4Number, toText: ipv4Text };
const IPV6: Family = { bits: 128n, refused: REFUSED_IPV6, toNumber: ipv6Number, toText: ipv6Text };

function isPublic(value: bigint, { bits, refused, toNumber }: Family): boolean {
  return !refused.some(([first, prefix]) => {
    const hostBits = bits - BigInt(prefix);
    return value >> hostBits === toNumber(first) >> hostBits;
  });
}

test.each([
  ...REFUSED_IPV4.map((block) => [...block, IPV4] as const),
  ...REFUSED_IPV6.map((block) => [...block, IPV6] as const),
])(
  'addresses of %s/%i are refused, and the adjacent ones permitted unless another block has them',
  (text, prefix, family) => {
    const first = family.toNumber(text);
    const last = first + (1n << (family.bits - BigInt(prefix))) - 1n;
    const edges = [first - 1n, first, last, last + 1n].filter((value) => value >= 0n && value < 1n << family.bits);
    for (const value of edges)
      expect([value, isAllowed(family.toText(value))]).toEqual([value, isPublic(value, family)]);
    fc.assert(fc.property(fc.bigInt(first, last), (value) => !isAllowed(family.toText(value))));
  },
);

// The chance to hit on ISATAP by accident is nil.
test.each([
  ['IPv4', IPV4, fc.bigInt(0n, 2n ** 32n - 1n)],
  ['IPv6', IPV6, fc.oneof(fc.bigInt(0n, 2n ** 128n - 1n), fc.bigInt(0x2000n << 112n, (0x4000n << 112n) - 1n))],
] as const)('an %s address outside of those blocks is permitted', (_, family, anywhere) => {
  const isAsTheTableSays = (value: bigint) => isAllowed(family.toText(value)) === isPublic(value, family);
  fc.assert(fc.property(anywhere, isAsTheTableSays), { numRuns: 2_000 });
});

test.each([
  ['metadata', '169.254.169.254', '169.254.170.2', 'fd00:ec2::254', '192.0.0.192', '100.100.100.200'],
  ['with a zone', 'fe80::1%eth0', '2600::1%1'],
  ['IPv4-mapped, translated and compatible', '::FFFF:10.0.0.1', '::ffff:8.8.8.8', '::ffff:0:8.8.8.8', '::8.8.8.8'],
  ['NAT64, 6to4 and Teredo', '64:ff9b::8.8.8.8', '64:ff9b:1:ffff::8.8.8.8', '2002:808:808::1', '2001:0:4136:e378::1'],
  ['ISATAP', 'fe80::5efe:10.0.0.1', '2600:1f18::5efe:10.0.0.1', '2600:1:2:3:200:5efe:a00:1', '2600:1:2:3:0:5efe::'],
  [
    'no address',
    '',
    'localhost',
    '2130706433',
    '0x7f.1',
    '127.1',
    '0177.0.0.1',
    '8.8.8.8.',
    '8.8.8.256',
    '８.８.８.８',
  ],
  ['no address either', ' 8.8.8.8', '8.8.8.8\0', '[2600::1]', '2600:::1', '2600::1/64', 'g::1'],
])('is refused: %s', (_what, ...addresses) => {
  expect(addresses.filter(isAllowed)).toEqual([]);
});

test('any text that is no address is refused', () => {
  fc.assert(fc.property(fc.string(), (text) => !/[^0-9a-fA-F:.]/.test(text) || !isAllowed(text)));
});

test.each(['8.8.8.8', '2606:4700:4700::1111', '2A00:1450:4001:81b::200E', '2001:4860::8.8.8.8', '2600::5eff:1:1'])(
  'a public address is permitted: %s',
  (address) => expect(isAllowed(address)).toBe(true),
);

describe('a network that the stage permits', () => {
  const isAllowedThere = createAddressGuard(['127.0.0.0/8', '10.1.2.3/32', '::1/128', 'fd12:3456::/32']);

  test('adds its own addresses to the public ones, and nothing else', () => {
    const permitted = ['127.9.9.9', '10.1.2.3', '::1', 'fd12:3456:0:1::7', '8.8.8.8', '2600::1'];
    const refused = ['10.1.2.4', '192.168.0.1', '::2', 'fd12:3457::7', '::ffff:127.0.0.1', '::127.0.0.1'];
    expect([...permitted, ...refused].filter(isAllowedThere)).toEqual(permitted);
  });

  test('of IPv6 exempts no IPv4 address, however it is written in it', () => {
    const isAllowedMapped = createAddressGuard(['::ffff:0:0/96']);
    expect(isAllowedMapped('::ffff:10.0.0.1')).toBe(true);
    expect(isAllowedMapped('10.0.0.1')).toBe(false);
  });

  test('may be all of one family', () => {
    const isAllowedHere = createAddressGuard(['0.0.0.0/0']);
    expect(['0.0.0.0', '10.0.0.1', '255.255.255.255'].every(isAllowedHere)).toBe(true);
    expect(isAllowedHere('::1')).toBe(false);
  });

  test.each(['', '10.0.0.1', '10.0.0.0/', '10.0.0.0/33', '10.0.0.0/8/8', '10.0.0/8', '::1/129', 'fe80::%1/10'])(
    'must be one: %j is not',
    (cidr) => {
      expect(() => createAddressGuard([cidr])).toThrow(expect.objectContaining({ name: 'EnvironmentInvalid' }));
    },
  );
});
