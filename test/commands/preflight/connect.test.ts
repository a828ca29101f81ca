import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { connect, type PartnerRules } from '../../../commands/preflight/connect.ts';
import { listen } from '../../../local/http-server.ts';
import { startPartner } from '../../support/partner-server.ts';
import { TEST_ONLY_AUTHORITY, TEST_ONLY_EXPIRED, TEST_ONLY_SIGNED } from '../../support/test-only-authority.ts';

const HERE: PartnerRules = { allowPlainHttp: true, allowedCidrs: ['127.0.0.0/8'], allowedPorts: 'any' };
const PUBLIC: PartnerRules = { allowPlainHttp: false, allowedCidrs: [], allowedPorts: [443, 8443] };

const before = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...before, TEST_ONLY_AUTHORITY]));
afterAll(() => setDefaultCACertificates(before));

const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.close()));
});

async function partnerWith(protocol: 'http' | 'https', tls = {}) {
  const partner = await startPartner((to) => to.end(), protocol, tls);
  running.push(partner);
  return partner;
}

/** A TCP server that does not speak TLS. @returns its URL */
async function serverWith(onConnection: (socket: Socket) => void): Promise<string> {
  const server = createServer((socket) => onConnection(socket.on('error', () => {}).resume()));
  const listening = await listen(server);
  running.push(listening);
  return `https://localhost:${listening.port}/`;
}

const failed = (code: string) => ({ kind: 'failed', code });

describe('an endpoint that is up receives a connection and no request', () => {
  test('over TLS: the end of its certificate', async () => {
    const partner = await partnerWith('https', { cert: TEST_ONLY_SIGNED });
    const tls = { kind: 'tls', certificateEndsMs: Date.parse('2125-12-31T00:00:00Z') };
    expect(await connect(`https://localhost:${partner.port}/hooks`, { rules: HERE })).toEqual(tls);
    expect(partner.received).toEqual([]);
  });

  test('without TLS', async () => {
    const partner = await partnerWith('http');
    expect(await connect(partner.url, { rules: HERE })).toEqual({ kind: 'plain' });
    expect(partner.received).toEqual([]);
  });
});

describe('an endpoint that is not', () => {
  test('its certificate has expired', async () => {
    const { port } = await partnerWith('https', { cert: TEST_ONLY_EXPIRED });
    expect(await connect(`https://localhost:${port}/`, { rules: HERE })).toEqual(failed('CERT_HAS_EXPIRED'));
  });

  test('nothing listens', async () => {
    const { url, close } = await startPartner((to) => to.end());
    await close();
    expect(await connect(url, { rules: HERE })).toEqual(failed('ECONNREFUSED'));
  });

  test('it closes the connection before TLS is established', async () => {
    const url = await serverWith((socket) => socket.end());
    expect(await connect(url, { rules: HERE })).toMatchObject({ kind: 'failed' });
  });

  test('it accepts the connection and stays silent: the deadline closes it', async () => {
    const closed: Promise<unknown>[] = [];
    const url = await serverWith((socket) => closed.push(once(socket, 'close')));
    expect(await connect(url, { rules: HERE, deadlineMs: 50 })).toEqual(failed('TIMEOUT'));
    // Empty if the lookup of the name took until the deadline.
    await Promise.all(closed);
  });

  test('the name server does not respond: the deadline', async () => {
    const result = await connect('https://partner.example/', { rules: PUBLIC, deadlineMs: 50, lookup: () => {} });
    expect(result).toEqual(failed('TIMEOUT'));
  });
});

describe('the stage’s rules hold', () => {
  test.each([
    ['http://partner.example/', 'FORBIDDEN_URL'],
    ['https://partner.example:22/', 'FORBIDDEN_PORT'],
    ['https://169.254.169.254/latest/meta-data', 'FORBIDDEN_ADDRESS'],
    ['partner.example', 'INVALID_URL'],
  ])('%s', async (url, code) => {
    expect(await connect(url, { rules: PUBLIC })).toEqual(failed(code));
  });

  test('a public name that resolves to this machine', async () => {
    const partner = await partnerWith('http');
    const rules = { ...PUBLIC, allowPlainHttp: true, allowedPorts: [partner.port] };
    const lookup = (_: string, _options: object, callback: (error: null, addresses: LookupAddress[]) => void) =>
      callback(null, [{ address: '127.0.0.1', family: 4 }]);
    const result = await connect(`http://partner.example:${partner.port}/`, { rules, lookup });
    expect(result).toEqual(failed('FORBIDDEN_ADDRESS'));
    // The server would have accepted a connection before this one.
    await fetch(partner.url);
    expect(partner.connections).toHaveLength(1);
  });
});
