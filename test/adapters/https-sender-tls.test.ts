import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttpsSender } from '../../lambdas/adapters/https-sender.ts';
import { classify } from '../../lambdas/domain/outcome.ts';
import { type PartnerServer, startPartner } from '../support/partner-server.ts';
import { TEST_ONLY_CERTIFICATE } from '../support/test-only-certificate.ts';

let partner: PartnerServer;
const sender = createHttpsSender({ allowPlainHttp: false });
const send = (url: string) => sender.send({ url, headers: {}, body: '{"a":1.0}', timeoutMs: 5_000 });

beforeAll(async () => {
  partner = await startPartner((answer) => answer.writeHead(202).end(), 'https');
});
afterAll(() => partner.close());

describe('a partner whose certificate nobody vouches for', () => {
  test('gets nothing, and is dead until somebody changes it', async () => {
    const result = await send(`https://localhost:${partner.port}/`);
    expect(result).toEqual({ kind: 'failed', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(classify(result).verdict).toBe('dead');
    expect(partner.received).toEqual([]);
  });
});

describe('a partner whose certificate is trusted', () => {
  const before = getCACertificates('default');
  beforeAll(() => setDefaultCACertificates([...before, TEST_ONLY_CERTIFICATE]));
  afterAll(() => setDefaultCACertificates(before));
  afterEach(() => {
    (partner.received as unknown[]).length = 0;
  });

  test('gets the webhook over TLS, and its connection is kept', async () => {
    for (const _ of [1, 2]) {
      expect(await send(`https://localhost:${partner.port}/hooks`)).toEqual({ kind: 'answered', status: 202 });
    }
    expect(partner.received.map(({ path, body }) => [path, body.toString()])).toEqual([
      ['/hooks', '{"a":1.0}'],
      ['/hooks', '{"a":1.0}'],
    ]);
    expect(partner.received[1]?.connection).toBe(partner.received[0]?.connection);
  });

  test('gets nothing under another name than the certificate’s', async () => {
    const result = await send(`https://127.0.0.1:${partner.port}/`);
    expect(result).toEqual({ kind: 'failed', code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(classify(result).verdict).toBe('dead');
    expect(partner.received).toEqual([]);
  });
});

test('a partner that speaks no TLS on its port gives no answer, which may pass', async () => {
  const plain = await startPartner((answer) => answer.end());
  const result = await send(`https://127.0.0.1:${plain.port}/`);
  await plain.close();
  expect(result.kind).toBe('failed');
  expect(classify(result).verdict).toBe('retry');
});
