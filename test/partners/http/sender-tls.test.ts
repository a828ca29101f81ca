import { execFile } from 'node:child_process';
import tls, { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttpsSender } from '../../../lambdas/partners/http/sender.ts';
import { classify } from '../../../lambdas/partners/response-outcome.ts';
import type { SendResult } from '../../../lambdas/partners/webhook-sender.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { type Answer, type PartnerServer, startPartner, startRawPartner } from '../../support/partner-server.ts';
import {
  TEST_ONLY_AUTHORITY,
  TEST_ONLY_ELSEWHERE,
  TEST_ONLY_EXPIRED,
  TEST_ONLY_SIGNED,
} from '../../support/test-only-authority.ts';
import { TEST_ONLY_CERTIFICATE } from '../../support/test-only-certificate.ts';

const keep = closedAfterEach();

const partnerWith = (tls: Parameters<typeof startPartner>[2], answer: Answer = (to) => to.end()) =>
  keep(startPartner(answer, 'https', tls));

const sender = createHttpsSender({ allowPlainHttp: false, allowedCidrs: ['127.0.0.0/8'], allowedPorts: 'any' });

async function send({ port }: PartnerServer, headers = {}, host = 'localhost'): Promise<SendResult> {
  const url = `https://${host}:${port}/hooks`;
  const { timings: _, ...result } = await sender.send({ url, headers, body: '{"a":1.0}', timeoutMs: 5_000 });
  return result;
}

const before = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...before, TEST_ONLY_AUTHORITY]));
afterAll(() => setDefaultCACertificates(before));

describe('a partner whose certificate is good', () => {
  test('gets the webhook over TLS, and its connection is reused', async () => {
    const partner = await partnerWith({ cert: TEST_ONLY_SIGNED });
    expect(await send(partner)).toEqual({ kind: 'answered', status: 200 });
    expect(await send(partner)).toEqual({ kind: 'answered', status: 200 });
    expect(partner.received.map(({ path, body, connection }) => [path, body.toString(), connection])).toEqual([
      ['/hooks', '{"a":1.0}', 0],
      ['/hooks', '{"a":1.0}', 0],
    ]);
  });

  test('reports the duration of TLS, for the first request only', async () => {
    const { port } = await partnerWith({ cert: TEST_ONLY_SIGNED });
    const request = { url: `https://localhost:${port}/`, headers: {}, body: '', timeoutMs: 5_000 };
    const [first, second] = [await sender.send(request), await sender.send(request)];
    expect(Object.keys(first.timings ?? {}).sort()).toEqual(['connectMs', 'dnsMs', 'firstByteMs', 'tlsMs', 'totalMs']);
    expect(Object.keys(second.timings ?? {}).sort()).toEqual(['firstByteMs', 'totalMs']);
  });

  test.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'may close a connection as it is reused (%s): the request is repeated on a new one',
    async (version) => {
      const seen = new Set<number>();
      const answer: Answer = (to, { connection }) => {
        if (seen.has(connection)) to.socket?.end();
        else to.end();
        seen.add(connection);
      };
      const partner = await partnerWith({ cert: TEST_ONLY_SIGNED, maxVersion: version }, answer);
      await Promise.all([send(partner), send(partner)]);
      expect(await send(partner)).toEqual({ kind: 'answered', status: 200 });
      // Not on the other one, which had been kept as long.
      expect(partner.received.at(-1)?.connection).toBe(2);
      expect(partner.received).toHaveLength(4);
    },
  );
});

describe('a partner whose certificate is not good', () => {
  test.each([
    ['signed by itself', TEST_ONLY_CERTIFICATE, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['expired', TEST_ONLY_EXPIRED, 'CERT_HAS_EXPIRED'],
    ['for another host', TEST_ONLY_ELSEWHERE, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ])('gets nothing, which is a permanent failure: %s', async (_what, cert, code) => {
    const partner = await partnerWith({ cert });
    const result = await send(partner);
    expect(result).toEqual({ kind: 'failed', code });
    expect(classify(result).verdict).toBe('dead');
    expect(partner.received).toEqual([]);
  });

  test('cannot be excused by a header: the URL’s host counts', async () => {
    const partner = await partnerWith({ cert: TEST_ONLY_ELSEWHERE });
    const result = await send(partner, { host: 'partner.example' });
    expect(result).toEqual({ kind: 'failed', code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(partner.received).toEqual([]);
  });

  test('cannot be excused by the environment', async () => {
    const { port, received } = await partnerWith({ cert: TEST_ONLY_CERTIFICATE });
    // A process of its own: to Node's core a change of the environment within jest is none.
    const code = `
      const { createHttpsSender } = await import(${JSON.stringify(import.meta.resolve('../../../lambdas/partners/http/sender.ts'))});
      const sender = createHttpsSender({ allowPlainHttp: false, allowedCidrs: ['127.0.0.0/8'], allowedPorts: 'any' });
      const url = 'https://localhost:${port}/';
      console.log((await sender.send({ url, headers: {}, body: '{}', timeoutMs: 5_000 })).code);`;
    const env = { NODE_TLS_REJECT_UNAUTHORIZED: '0' };
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', code], { env });
    expect(stdout.trim()).toBe('DEPTH_ZERO_SELF_SIGNED_CERT');
    expect(received).toEqual([]);
  });
});

describe('a partner that cannot speak TLS 1.2', () => {
  const defaults = { version: tls.DEFAULT_MIN_VERSION, ciphers: tls.DEFAULT_CIPHERS };
  afterEach(() => {
    tls.DEFAULT_MIN_VERSION = defaults.version;
    tls.DEFAULT_CIPHERS = defaults.ciphers;
  });

  test('gets nothing, even where Node’s own defaults would let it pass', async () => {
    tls.DEFAULT_MIN_VERSION = 'TLSv1';
    tls.DEFAULT_CIPHERS = 'DEFAULT:@SECLEVEL=0';
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT:@SECLEVEL=0' } as const;
    const partner = await partnerWith({ cert: TEST_ONLY_SIGNED, ...old });
    const result = await send(partner);
    expect(result).toEqual({ kind: 'failed', code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' });
    expect(classify(result).verdict).toBe('dead');
    expect(partner.received).toEqual([]);
  });
});

describe('a partner whose port does not speak TLS as it should', () => {
  const ALERT = (description: number) => Buffer.from([0x15, 3, 3, 0, 2, 2, description]);

  test.each<[string, string | Buffer, string, 'dead' | 'retry']>([
    ['plain HTTP', 'HTTP/1.1 400 Bad Request\r\n\r\n', 'ERR_SSL_WRONG_VERSION_NUMBER', 'dead'],
    ['SSH', 'SSH-2.0-OpenSSH_9.2p1\r\n', 'ERR_SSL_WRONG_VERSION_NUMBER', 'dead'],
    ['HTTP/2 without TLS', Buffer.from([0, 0, 0x12, 4, 0, 0, 0, 0, 0]), 'ERR_SSL_WRONG_VERSION_NUMBER', 'dead'],
    ['a record that is too long', Buffer.from([0x16, 3, 3, 255, 255, 1]), 'ERR_SSL_DATA_LENGTH_TOO_LONG', 'dead'],
    ['handshake_failure', ALERT(40), 'ERR_SSL_SSL_TLS_ALERT_HANDSHAKE_FAILURE', 'dead'],
    ['bad_certificate', ALERT(42), 'ERR_SSL_SSL_TLS_ALERT_BAD_CERTIFICATE', 'dead'],
    ['unknown_ca', ALERT(48), 'ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'dead'],
    ['protocol_version', ALERT(70), 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'dead'],
    ['insufficient_security', ALERT(71), 'ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY', 'dead'],
    ['unrecognized_name', ALERT(112), 'ERR_SSL_TLSV1_UNRECOGNIZED_NAME', 'dead'],
    ['no_application_protocol', ALERT(120), 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', 'dead'],
    ['internal_error', ALERT(80), 'ERR_SSL_TLSV1_ALERT_INTERNAL_ERROR', 'retry'],
    ['bad_record_mac', ALERT(20), 'ERR_SSL_SSL_TLS_ALERT_BAD_RECORD_MAC', 'retry'],
    ['half a record', 'H', 'ECONNRESET', 'retry'],
    ['nothing', '', 'ECONNRESET', 'retry'],
  ])('%s', async (_what, bytes, code, verdict) => {
    const partner = await keep(startRawPartner((socket) => void socket.end(bytes)));
    const result = await send(partner);
    expect(result).toEqual({ kind: 'failed', code });
    expect(classify(result).verdict).toBe(verdict);
  });
});

test('the status decides over TLS too, where the connection is cut after it', async () => {
  const partner = await partnerWith({ cert: TEST_ONLY_SIGNED }, ({ socket }) =>
    socket?.write('HTTP/1.1 201 Created\r\nContent-Length: 9\r\n\r\nshort', () => socket.destroy()),
  );
  expect(await send(partner)).toMatchObject({ kind: 'answered', status: 201, responseFault: 'ECONNRESET' });
});

describe('a partner that asks for a certificate of ours', () => {
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('gets nothing, and is dead: %s', async (maxVersion) => {
    const partner = await partnerWith({ cert: TEST_ONLY_SIGNED, requestCert: true, maxVersion });
    const result = await send(partner);
    expect(result).toMatchObject({ kind: 'failed', code: expect.stringMatching(/^ERR_SSL_\w+_ALERT_/) });
    expect(classify(result).verdict).toBe('dead');
    expect(partner.received).toEqual([]);
  });
});
