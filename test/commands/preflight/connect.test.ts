import type { LookupAddress } from 'node:dns';
import { createServer } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { connect, type PartnerRules } from '../../../commands/preflight/connect.ts';
import { listen } from '../../../local/http-server.ts';
import { type PartnerServer, startPartner } from '../../support/partner-server.ts';
import { TEST_ONLY_AUTHORITY, TEST_ONLY_EXPIRED, TEST_ONLY_SIGNED } from '../../support/test-only-authority.ts';

const HERE: PartnerRules = { allowPlainHttp: true, allowedCidrs: ['127.0.0.0/8'], allowedPorts: 'any' };
const PUBLIC: PartnerRules = { allowPlainHttp: false, allowedCidrs: [], allowedPorts: [443, 8443] };

const before = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...before, TEST_ONLY_AUTHORITY]));
afterAll(() => setDefaultCACertificates(before));

const running: PartnerServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((partner) => partner.close()));
});

async function partnerWith(protocol: 'http' | 'https', tls = {}): Promise<PartnerServer> {
  const partner = await startPartner((to) => to.end(), protocol, tls);
  running.push(partner);
  return partner;
}

describe('an endpoint that is up', () => {
  test('over TLS: until when its certificate is valid; no request is made', async () => {
    const partner = await partnerWith('https', { cert: TEST_ONLY_SIGNED });
    const certificateEndsMs = Date.parse('2125-12-31T00:00:00Z');
    expect(await connect(`https://localhost:${partner.port}/hooks`, { rules: HERE })).toEqual({
      kind: 'tls',
      certificateEndsMs,
    });
    expect(partner.received).toEqual([]);
  });

  test('without TLS, where the stage permits it', async () => {
    const partner = await partnerWith('http');
    expect(await connect(partner.url, { rules: HERE })).toEqual({ kind: 'plain' });
    expect(partner.received).toEqual([]);
  });
});

describe('an endpoint that is not', () => {
  test('its certificate has expired', async () => {
    const { port } = await partnerWith('https', { cert: TEST_ONLY_EXPIRED });
    const expired = { kind: 'failed', code: 'CERT_HAS_EXPIRED' };
    expect(await connect(`https://localhost:${port}/`, { rules: HERE })).toEqual(expired);
  });

  test('nothing listens', async () => {
    const { url, close } = await startPartner((to) => to.end());
    await close();
    expect(await connect(url, { rules: HERE })).toEqual({ kind: 'failed', code: 'ECONNREFUSED' });
  });

  test('it closes before TLS came about', async () => {
    const server = createServer((socket) =>
      socket
        .on('error', () => {})
        .resume()
        .end(),
    );
    const { port, close } = await listen(server);
    const { kind } = await connect(`https://localhost:${port}/`, { rules: HERE });
    expect(kind).toBe('failed');
    await close();
  });

  test('it takes the connection and says nothing: the deadline ends it, and the connection', async () => {
    const closed = Promise.withResolvers<void>();
    const server = createServer(
      (socket) =>
        void socket
          .on('close', closed.resolve)
          .on('error', () => {})
          .resume(),
    );
    const { port, close } = await listen(server);
    const result = await connect(`https://localhost:${port}/`, { rules: HERE, deadlineMs: 50 });
    expect(result).toEqual({ kind: 'failed', code: 'TIMEOUT' });
    await closed.promise;
    await close();
  });

  test('its name is looked up in vain', async () => {
    const lookup = () => {};
    const result = await connect('https://partner.example/', { rules: PUBLIC, deadlineMs: 50, lookup });
    expect(result).toEqual({ kind: 'failed', code: 'TIMEOUT' });
  });
});

describe('where a stage’s webhooks may not go, nothing is knocked at', () => {
  test.each([
    ['http://partner.example/', 'FORBIDDEN_URL'],
    ['https://partner.example:22/', 'FORBIDDEN_PORT'],
    ['https://169.254.169.254/latest/meta-data', 'FORBIDDEN_ADDRESS'],
    ['partner.example', 'INVALID_URL'],
  ])('%s', async (url, code) => {
    expect(await connect(url, { rules: PUBLIC })).toEqual({ kind: 'failed', code });
  });

  test('a public name that leads to this machine', async () => {
    const partner = await partnerWith('http');
    const rules = { ...PUBLIC, allowPlainHttp: true, allowedPorts: [partner.port] };
    const lookup = (
      _hostname: string,
      _options: object,
      callback: (error: null, addresses: LookupAddress[]) => void,
    ): void => callback(null, [{ address: '127.0.0.1', family: 4 }]);
    const result = await connect(`http://partner.example:${partner.port}/`, { rules, lookup });
    expect(result).toEqual({ kind: 'failed', code: 'FORBIDDEN_ADDRESS' });
    // A connection before this one would have been taken before it.
    await fetch(partner.url);
    expect(partner.connections).toHaveLength(1);
  });
});
