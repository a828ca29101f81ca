import { describe, expect, test } from '@jest/globals';
import { createAddressGuard } from '../../../lambdas/partners/http/address-guard.ts';
import { createTargetFinder } from '../../../lambdas/partners/http/target.ts';

const guard = createAddressGuard([]);
const findTarget = createTargetFinder({ allowPlainHttp: false, allowedPorts: [443, 8443] }, guard);
const findAnyTarget = createTargetFinder({ allowPlainHttp: true, allowedPorts: 'any' }, guard);

describe('the target of a URL', () => {
  test('has the parts of the URL, with its default port', () => {
    expect(findTarget('https://Partner.Example/hooks/x?tenant=1#part')).toEqual({
      protocol: 'https:',
      origin: 'https://partner.example:443',
      hostHeader: 'partner.example',
      options: {
        method: 'POST',
        host: 'partner.example',
        port: 443,
        path: '/hooks/x?tenant=1',
        servername: 'partner.example',
      },
    });
  });

  test('may be a public address: no certificate names it by SNI', () => {
    expect(findTarget('https://[2600:1f18::1]:8443/')).toMatchObject({
      origin: 'https://[2600:1f18::1]:8443',
      hostHeader: '[2600:1f18::1]:8443',
      options: { host: '2600:1f18::1', port: 8443, servername: '' },
    });
  });

  test('is cached until a thousand others were parsed', () => {
    const first = findTarget('https://partner.example/0');
    expect(findTarget('https://partner.example/0')).toBe(first);
    for (let i = 1; i <= 1_000; i += 1) findTarget(`https://partner.example/${i}`);
    expect(findTarget('https://partner.example/0')).not.toBe(first);
    expect(findTarget('https://partner.example/0')).toEqual(first);
  });
});

describe('no target', () => {
  test.each([
    [
      'INVALID_URL',
      [
        '',
        'partner.example',
        '//partner.example/',
        'https://',
        'https://[::1',
        'https://a.example:99999/',
        'https://a b/',
      ],
    ],
    [
      'FORBIDDEN_URL',
      ['ftp://partner.example/', 'file:///etc/passwd', 'data:text/plain,x', 'wss://partner.example/', 'javascript:1'],
    ],
    // Credentials would be logged with it.
    [
      'FORBIDDEN_URL',
      [
        'https://user@partner.example/',
        'https://user:pass@partner.example/',
        'https://:pass@partner.example/',
        'https:\\\\user@partner.example/',
        'https://partner.example%40x@partner.example/',
      ],
    ],
    // Node would take port 0 for the default port.
    ['FORBIDDEN_PORT', ['https://partner.example:0/']],
  ])('on any stage, %s: %j', (code, urls) => {
    for (const url of urls) expect([url, findTarget(url), findAnyTarget(url)]).toEqual([url, code, code]);
  });

  test.each([80, 22, 4430])('is port %i, which is not on the list', (port) => {
    expect(findTarget(`https://partner.example:${port}/`)).toBe('FORBIDDEN_PORT');
  });

  test('is unencrypted HTTP, unless the stage permits it, or its port if that is not on the list', () => {
    expect(findTarget('http://partner.example:443/')).toBe('FORBIDDEN_URL');
    expect(findAnyTarget('http://partner.example/')).toMatchObject({ protocol: 'http:', options: { port: 80 } });
    const find = createTargetFinder({ allowPlainHttp: true, allowedPorts: [443, 8443] }, guard);
    expect(find('http://partner.example/')).toBe('FORBIDDEN_PORT');
    expect(find('http://partner.example:8443/')).toMatchObject({ options: { port: 8443 } });
  });
});

describe('an address that is not public', () => {
  test.each([
    ['127.0.0.1', '127.0.0.1.', '127.1', '2130706433', '0x7f000001', '0177.0.0.01', '0', '4294967295', '169.254.43518'],
    ['１２７.０.０.１', '127。0。0。1', '①②⑦.0.0.1', '127.0.0.%31', '127.0.0.1\t', '12\n7.1'],
    ['[::]', '[::1]', '[0000::0001]', '[::FFFF:7F00:1]', '[::ffff:8.8.8.8]', '[fd00:ec2::254]', '[2600::5efe:a00:1]'],
  ])('is found behind every spelling: %s', (...hosts) => {
    const found = hosts.map((host) => `${host} ${findTarget(`https://${host}/`)}`);
    expect(found).toEqual(hosts.map((host) => `${host} FORBIDDEN_ADDRESS`));
  });

  test.each([
    ['[fe80::1%25eth0]', '[fe80::1%eth0]', '::1', '[127.0.0.1]', '[::ffff:0x7f.0.0.1]'],
    ['256.1.1.1', '127.0.0.1.1', '4294967296', '1.2.3.08'],
  ])('is no URL if it is no address: %s', (...hosts) => {
    expect(hosts.filter((host) => findTarget(`https://${host}/`) !== 'INVALID_URL')).toEqual([]);
  });

  test('is permitted where the stage lists its network', () => {
    const find = createTargetFinder({ allowPlainHttp: true, allowedPorts: 'any' }, createAddressGuard(['127.0.0.0/8']));
    expect(find('http://127.1:8080/')).toMatchObject({ origin: 'http://127.0.0.1:8080' });
    expect(find('http://[::1]:8080/')).toBe('FORBIDDEN_ADDRESS');
  });
});
