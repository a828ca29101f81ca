import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { createAddressGuard } from '../../../lambdas/adapters/https/address-guard.ts';

const isAllowed = createAddressGuard([]);

/** Every block that nobody may reach, by another arithmetic than the guard's: first address and prefix length. */
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
  ['64:ff9b:0:0:0:0:0:0', 96],
  ['64:ff9b:1:0:0:0:0:0', 48],
  ['100:0:0:0:0:0:0:0', 64],
  ['0:0:0:0:0:ffff:0:0', 96],
  ['0:0:0:0:0:0:0:0', 96],
  ['fc00:0:0:0:0:0:0:0', 7],
  ['fe80:0:0:0:0:0:0:0', 10],
  ['fec0:0:0:0:0:0:0:0', 10],
  ['ff00:0:0:0:0:0:0:0', 8],
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
function isWithin(value: bigint, first: bigint, hostBits: bigint): boolean {
  return value >> hostBits === first >> hostBits;
}
/** Any address of a block, its first and last more often. */
function within(first: bigint, hostBits: bigint): fc.Arbitrary<bigint> {
  return fc.bigInt({ min: first, max: first + (1n << hostBits) - 1n });
}

describe('an address that a partner cannot have', () => {
  test.each([
    ['this host', '0.0.0.0', '::', '0:0:0:0:0:0:0:0'],
    ['loopback', '127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1'],
    ['private', '10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.1.1'],
    ['carrier-grade NAT, where a cloud has its metadata', '100.64.0.1', '100.100.100.200', '100.127.255.255'],
    ['link-local', '169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::1'],
    ['metadata', '169.254.169.254', '169.254.170.2', 'fd00:ec2::254', '192.0.0.192', '168.63.129.16'],
    ['unique-local', 'fc00::1', 'fdff:ffff::1'],
    ['site-local', 'fec0::1'],
    ['multicast', '224.0.0.1', '239.255.255.255', 'ff02::1'],
    ['broadcast and reserved', '255.255.255.255', '240.0.0.1'],
    ['for documentation', '192.0.2.1', '198.51.100.1', '203.0.113.1', '2001:db8::1', '3fff::1', '3fff:fff::1'],
    ['for benchmarks', '198.18.0.1', '198.19.255.255', '2001:2::1'],
    ['protocol assignments', '192.0.0.1', '192.0.0.9', '2001:1ff::1', '2001:20::1'],
    ['6to4', '192.88.99.1', '2002::1', '2002:7f00:1::1', '2002:808:808::1'],
    ['Teredo', '2001::1', '2001:0:4136:e378:8000:63bf:3fff:fdd2'],
    ['IPv4-mapped', '::ffff:127.0.0.1', '::ffff:7f00:1', '::FFFF:10.0.0.1', '0:0:0:0:0:ffff:a9fe:a9fe'],
    ['IPv4-mapped, though public', '::ffff:8.8.8.8', '::ffff:808:808'],
    ['IPv4-translated', '::ffff:0:127.0.0.1', '::ffff:0:8.8.8.8'],
    ['IPv4-compatible', '::127.0.0.1', '::7f00:1', '::8.8.8.8'],
    ['NAT64', '64:ff9b::10.0.0.1', '64:ff9b::a00:1', '64:ff9b::8.8.8.8', '64:ff9b:1::1', '64:ff9b:1:ffff::8.8.8.8'],
    ['ISATAP', 'fe80::5efe:10.0.0.1', '2600:1f18::5efe:10.0.0.1', '2600:1:2:3:200:5efe:a00:1', '2600:1:2:3:0:5efe::'],
    ['discard', '100::1'],
    ['segment routing', '5f00::1'],
    ['not handed out', '4000::1', '8000::1', 'e000::1', '1fff::1'],
  ])('is refused: %s', (_what, ...addresses) => {
    expect(addresses.filter(isAllowed)).toEqual([]);
  });

  test.each([
    ...REFUSED_IPV4.map(
      ([first, prefix]) => [first, prefix, within(ipv4Number(first), 32n - BigInt(prefix)).map(ipv4Text)] as const,
    ),
    ...REFUSED_IPV6.map(
      ([first, prefix]) => [first, prefix, within(ipv6Number(first), 128n - BigInt(prefix)).map(ipv6Text)] as const,
    ),
  ])('is refused wherever it lies in %s/%i', (_first, _prefix, address) => {
    fc.assert(fc.property(address, (text) => !isAllowed(text)));
  });

  test('is refused where it is no address at all', () => {
    const texts = ['', 'localhost', '2130706433', '0x7f.1', '127.1', '0177.0.0.1', '8.8.8.8.', '8.8.8', '8.8.8.256'];
    const more = [
      ' 8.8.8.8',
      '8.8.8.8 ',
      '[2600::1]',
      '2600::1%1',
      '2600:::1',
      '2600::1/64',
      '８.８.８.８',
      'g::1',
      '8.8.8.8\0',
    ];
    expect([...texts, ...more].filter(isAllowed)).toEqual([]);
    fc.assert(fc.property(fc.string(), (text) => !/[^0-9a-fA-F:.]/.test(text) || !isAllowed(text)));
  });
});

describe('a public address', () => {
  test.each([
    ['8.8.8.8', '1.1.1.1', '52.94.236.248', '100.63.255.255', '100.128.0.0', '172.15.255.255', '172.32.0.0'],
    ['9.255.255.255', '11.0.0.0', '126.255.255.255', '128.0.0.0', '169.253.255.255', '169.255.0.0', '192.0.1.0'],
    [
      '168.63.129.15',
      '168.63.129.17',
      '192.167.255.255',
      '192.169.0.0',
      '198.17.255.255',
      '198.20.0.0',
      '223.255.255.255',
    ],
    ['2606:4700:4700::1111', '2600:1f18::1', '2A00:1450:4001:81b::200E', '2001:200::1', '2001:4860:4860::8888'],
    ['2001:db7::1', '2001:db9::1', '2003::1', '3fff:1000::1', '2620:fe::fe', '2001:4860::8.8.8.8', '2600::5eff:1:1'],
  ])('is permitted: %s', (...addresses) => {
    expect(addresses.filter((address) => !isAllowed(address))).toEqual([]);
  });

  test('is permitted wherever it lies outside of those blocks', () => {
    const blocks = REFUSED_IPV4.map(([first, prefix]) => [ipv4Number(first), 32n - BigInt(prefix)] as const);
    const isPublic = (value: bigint) => !blocks.some(([first, hostBits]) => isWithin(value, first, hostBits));
    const anywhere = fc.bigInt({ min: 0n, max: 2n ** 32n - 1n });
    fc.assert(
      fc.property(anywhere, (value) => isAllowed(ipv4Text(value)) === isPublic(value)),
      { numRuns: 2_000 },
    );
  });

  test('is permitted wherever it lies in what IPv6 has handed out', () => {
    const blocks = REFUSED_IPV6.map(([first, prefix]) => [ipv6Number(first), 128n - BigInt(prefix)] as const);
    const isPublic = (value: bigint) => !blocks.some(([first, hostBits]) => isWithin(value, first, hostBits));
    const anywhere = fc.oneof(within(0n, 128n), within(0x2000n << 112n, 125n), within(0x2001n << 112n, 112n));
    // The chance to hit on ISATAP by accident is nil.
    fc.assert(
      fc.property(anywhere, (value) => isAllowed(ipv6Text(value)) === isPublic(value)),
      { numRuns: 2_000 },
    );
  });
});

describe('a network that the stage permits', () => {
  const isAllowedThere = createAddressGuard(['127.0.0.0/8', '10.1.2.3/32', '::1/128', 'fd12:3456::/32']);

  test('exempts its own addresses, and public ones stay permitted', () => {
    const addresses = [
      '127.0.0.1',
      '127.9.9.9',
      '10.1.2.3',
      '::1',
      'fd12:3456::7',
      'fd12:3456:0:1::7',
      '8.8.8.8',
      '2600::1',
    ];
    expect(addresses.filter((address) => !isAllowedThere(address))).toEqual([]);
  });

  test('exempts nothing else', () => {
    const addresses = [
      '10.1.2.4',
      '192.168.0.1',
      '::2',
      'fd12:3457::7',
      '::ffff:127.0.0.1',
      '::127.0.0.1',
      '::ffff:7f00:1',
    ];
    expect(addresses.filter(isAllowedThere)).toEqual([]);
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

  test.each([
    '',
    '10.0.0.1',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0/8',
    '::1/129',
    'localhost/8',
    'fe80::%1/10',
  ])('must be one: %j is not', (cidr) => {
    expect(() => createAddressGuard([cidr])).toThrow(expect.objectContaining({ name: 'EnvironmentInvalid' }));
  });
});
