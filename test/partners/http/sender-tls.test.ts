import { execFile } from 'node:child_process';
import { lookup } from 'node:dns';
import { once } from 'node:events';
import tls, { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ConnectionPool } from '../../../lambdas/partners/http/connection-pool.ts';
import { createHttpsSender } from '../../../lambdas/partners/http/sender.ts';
import { createTargetFinder } from '../../../lambdas/partners/http/target.ts';
import { classify } from '../../../lambdas/partners/response-outcome.ts';
import type { SendResult } from '../../../lambdas/partners/webhook-sender.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { type Answer, type PartnerServer, startPartner, startRawPartner } from '../../support/partner-server.ts';
import {
  TEST_ONLY_AUTHORITY,
  TEST_ONLY_ELSEWHERE,
  TEST_ONLY_EXPIRED,
  TEST_ONLY_INCOMPLETE,
  TEST_ONLY_SIGNED,
} from '../../support/test-only-authority.ts';
import { TEST_ONLY_CERTIFICATE } from '../../support/test-only-certificate.ts';

const keep = closedAfterEach();

const partnerWith = (options: Parameters<typeof startPartner>[2], answer: Answer = (response) => response.end()) =>
  keep(startPartner(answer, 'https', { cert: TEST_ONLY_SIGNED, ...options }));

const sender = createHttpsSender({ allowPlainHttp: false, allowedCidrs: ['127.0.0.0/8'], allowedPorts: 'any' });
const GOOD = { kind: 'responded', status: 200 };

async function send({ port }: PartnerServer, headers = {}): Promise<SendResult> {
  const url = `https://localhost:${port}/hooks`;
  const { timings: _, ...result } = await sender.send({ url, headers, body: '{"a":1.0}', timeoutMs: 5_000 });
  return result;
}

const before = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...before, TEST_ONLY_AUTHORITY]));
afterAll(() => setDefaultCACertificates(before));

describe('a partner whose certificate is valid', () => {
  test('gets webhooks over TLS, on one connection, whose first request has the duration of TLS', async () => {
    const partner = await partnerWith({});
    const request = { url: `https://localhost:${partner.port}/hooks`, headers: {}, body: '1.0', timeoutMs: 5_000 };
    const [first, second] = [await sender.send(request), await sender.send(request)];
    expect([first, second]).toMatchObject([GOOD, GOOD]);
    const received = partner.received.map(({ path, body, connection }) => [path, body.toString(), connection]);
    expect(received).toEqual(Array(2).fill(['/hooks', '1.0', 0]));
    expect(Object.keys(first.timings ?? {}).sort()).toEqual(['connectMs', 'dnsMs', 'firstByteMs', 'tlsMs', 'totalMs']);
    expect(Object.keys(second.timings ?? {}).sort()).toEqual(['firstByteMs', 'totalMs']);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'may close a connection as it is reused (%s): the request is repeated on a new one',
    async (maxVersion) => {
      const used = new Set<number>();
      const partner = await partnerWith({ maxVersion }, (response, { connection }) => {
        if (used.has(connection)) response.socket?.end();
        else response.end();
        used.add(connection);
      });
      await Promise.all([send(partner), send(partner)]);
      expect(await send(partner)).toEqual(GOOD);
      // Not on the other one, which was idle as long.
      expect(partner.received.at(-1)?.connection).toBe(2);
      expect(partner.received).toHaveLength(4);
    },
  );

  test('has its status counted, even if the connection is cut after it', async () => {
    const partner = await partnerWith({}, ({ socket }) =>
      socket?.write('HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nshort', () => socket.destroy()),
    );
    expect(await send(partner)).toMatchObject({ kind: 'responded', status: 201, responseFault: 'ECONNRESET' });
  });
});

test.each([
  ['has expired', { cert: TEST_ONLY_EXPIRED }, 'CERT_HAS_EXPIRED', 'certificate_expired'],
  ['lacks its chain', { cert: TEST_ONLY_INCOMPLETE }, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate_incomplete'],
] as const)('a certificate that %s is retried, with nothing sent', async (_what, options, code, certificate) => {
  const partner = await partnerWith(options);
  const result = await send(partner);
  expect(result).toEqual({ kind: 'failed', code });
  expect([classify(result), partner.received]).toEqual([
    { verdict: 'retry', reason: `no response: ${code}`, certificate },
    [],
  ]);
});

test('a TLS session is resumed by the next connection to its origin, unless a connection with it failed', async () => {
  const { port } = await partnerWith({});
  const target = createTargetFinder(
    { allowPlainHttp: false, allowedPorts: 'any' },
    () => true,
  )(`https://localhost:${port}/`);
  if (typeof target === 'string') throw new Error(target);
  let isAllowed = true;
  const pool = new ConnectionPool({ lookup, isAllowed: () => isAllowed, nowMs: Date.now });
  const isResumed: boolean[] = [];
  for (const allowed of [true, true, false, true]) {
    isAllowed = allowed;
    const socket = pool.take(target, 5_000).socket as tls.TLSSocket;
    await new Promise((resolve) => socket.once(allowed ? 'secureConnect' : 'close', resolve));
    if (allowed) isResumed.push(socket.isSessionReused());
    // A full handshake is followed by the session.
    if (isResumed.length === 1) await once(socket, 'session');
    socket.destroy();
  }
  expect(isResumed).toEqual([false, true, false]);
});

describe('a permanent failure, with nothing sent', () => {
  const OLD = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
  const defaults = { version: tls.DEFAULT_MIN_VERSION, ciphers: tls.DEFAULT_CIPHERS };
  beforeAll(() => {
    // Our own minimum must not depend on Node's.
    tls.DEFAULT_MIN_VERSION = 'TLSv1';
    tls.DEFAULT_CIPHERS = 'DEFAULT:@SECLEVEL=0';
  });
  afterAll(() => {
    tls.DEFAULT_MIN_VERSION = defaults.version;
    tls.DEFAULT_CIPHERS = defaults.ciphers;
  });

  test.each([
    ['a self-signed certificate', { cert: TEST_ONLY_CERTIFICATE }, /^DEPTH_ZERO_SELF_SIGNED_CERT$/],
    ['a certificate of another host', { cert: TEST_ONLY_ELSEWHERE }, /^ERR_TLS_CERT_ALTNAME_INVALID$/],
    ['TLS 1.1 only', OLD, /^ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION$/],
    ['a request for our certificate, TLS 1.2', { requestCert: true, maxVersion: 'TLSv1.2' }, /^ERR_SSL_\w+_ALERT_/],
    ['a request for our certificate, TLS 1.3', { requestCert: true, maxVersion: 'TLSv1.3' }, /^ERR_SSL_\w+_ALERT_/],
  ] as const)('is %s', async (_what, options, code) => {
    const partner = await partnerWith(options);
    // A header cannot change the host that the certificate must name.
    const result = await send(partner, { host: 'partner.example' });
    expect(result).toEqual({ kind: 'failed', code: expect.stringMatching(code) });
    expect([classify(result).verdict, partner.received]).toEqual(['dead', []]);
  });

  test('is a certificate that the environment would accept', async () => {
    const { port, received } = await partnerWith({ cert: TEST_ONLY_CERTIFICATE });
    // A separate process, because Node's core does not see a change of the environment within jest.
    const code = `
      const { createHttpsSender } = await import(${JSON.stringify(import.meta.resolve('../../../lambdas/partners/http/sender.ts'))});
      const sender = createHttpsSender({ allowPlainHttp: false, allowedCidrs: ['127.0.0.0/8'], allowedPorts: 'any' });
      const url = 'https://localhost:${port}/';
      console.log((await sender.send({ url, headers: {}, body: '{}', timeoutMs: 5_000 })).code);`;
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { env });
    expect([stdout.trim(), received]).toEqual(['DEPTH_ZERO_SELF_SIGNED_CERT', []]);
  });
});

const alert = (description: number) => Buffer.from([0x15, 3, 3, 0, 2, 2, description]);
test.each<[string, string | Buffer, string, 'dead' | 'retry']>([
  ['plain HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'ERR_SSL_WRONG_VERSION_NUMBER', 'dead'],
  ['SSH', 'SSH-2.0-OpenSSH_9.2p1\r\n', 'ERR_SSL_WRONG_VERSION_NUMBER', 'dead'],
  ['HTTP/2 without TLS', Buffer.from([0, 0, 0x12, 4, 0, 0, 0, 0, 0]), 'ERR_SSL_WRONG_VERSION_NUMBER', 'dead'],
  ['a record that is too long', Buffer.from([0x16, 3, 3, 255, 255, 1]), 'ERR_SSL_DATA_LENGTH_TOO_LONG', 'dead'],
  ['handshake_failure', alert(40), 'ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE', 'dead'],
  ['bad_certificate', alert(42), 'ERR_SSL_SSL_TLS_ALERT_BAD_CERTIFICATE', 'dead'],
  ['unknown_ca', alert(48), 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'dead'],
  ['protocol_version', alert(70), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'dead'],
  ['insufficient_security', alert(71), 'ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY', 'dead'],
  ['unrecognized_name', alert(112), 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME', 'dead'],
  ['no_application_protocol', alert(120), 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 'dead'],
  ['internal_error', alert(80), 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'retry'],
  ['bad_record_mac', alert(20), 'ERR_SSL_SSL_TLS_ALERT_BAD_RECORD_MAC', 'retry'],
  ['half a record', 'H', 'ECONNRESET', 'retry'],
  ['nothing', '', 'ECONNRESET', 'retry'],
])('a port that responds to TLS with %s', async (_what, bytes, code, verdict) => {
  const result = await send(await keep(startRawPartner((socket) => void socket.end(bytes))));
  expect([result, classify(result).verdict]).toEqual([{ kind: 'failed', code }, verdict]);
});
