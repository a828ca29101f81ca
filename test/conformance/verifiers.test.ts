import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { testVector } from '../../commands/partner-kit/kit/test-vector.ts';
import { decryptField } from '../../docs/partner/decrypt.ts';
import { receiver, type Webhook } from '../../docs/partner/receiver.ts';
import { isGenuine } from '../../docs/partner/verify.ts';
import { webhookId } from '../../lambdas/events/identity.ts';
import { PAYLOAD_FORMATS } from '../../lambdas/partners/payload-formats/payload-formats.ts';
import { testPayload } from '../../lambdas/partners/test-event.ts';
import { startHttpServer } from '../../local/http-server.ts';
import { closedAfterEach } from '../support/closed-after-each.ts';
import { integration } from '../support/factories.ts';
import { describeWithClient, runClient, startClient } from '../support/real-clients.ts';
import {
  BODIES,
  forgeries,
  genuineReceipts,
  KEY,
  NEW,
  OLD,
  receiptOf,
  type Sending,
  STRANGER,
  send,
} from './real-receipts.ts';
import { check, type Receipt } from './verify-receipts.ts';

const path = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const OLD_KEY = Buffer.alloc(32, 6).toString('base64');

const keep = closedAfterEach();

async function servePartner(secrets: readonly string[], onKeep: () => void = () => {}) {
  const kept: Webhook[] = [];
  const listener = receiver(secrets, async (webhook) => {
    onKeep();
    kept.push(webhook);
  });
  const { url } = await keep(startHttpServer(listener));
  return { url, kept };
}

// Known answers of Standard Webhooks: test/partners/signature.test.ts.
describe('verify.ts and the official library for TypeScript', () => {
  test('accept what was really delivered', async () => {
    const receipts = await genuineReceipts();
    expect(receipts.map(check)).toEqual(receipts.map(() => ({ byHand: true, withLibrary: true })));
  });

  test('refuse what is forged, stale or broken, without an exception', async () => {
    const forged = forgeries(await receiptOf(BODIES.plain));
    for (const [what, receipt] of Object.entries(forged)) {
      expect({ what, ...check(receipt) }).toEqual({ what, byHand: false, withLibrary: false });
    }
  });

  test.each(['', 'whsec_', 'whsec_c2hvcnQ='])('refuse to work with the secret "%s"', async (secret) => {
    const { headers, body } = await receiptOf(BODIES.plain);
    expect(() => isGenuine([secret], headers, Buffer.from(body))).toThrow('not a signing secret');
  });
});

describe('receiver.ts', () => {
  test.each(Object.entries(BODIES))('keeps a webhook (%s) and responds 204', async (_name, body) => {
    const { url, kept } = await servePartner([NEW]);
    expect(await send(url, body)).toMatchObject({ verdict: 'delivered', result: { status: 204 } });
    expect(kept).toEqual([{ id: webhookId('acme', body), payload: JSON.parse(body) }]);
  });

  test.each([
    ['the old secret only', [OLD]],
    ['both', [NEW, OLD]],
    ['the new secret only', [NEW]],
  ])('verifies in the middle of a rotation with %s', async (_what, secrets) => {
    const { url } = await servePartner(secrets);
    const sending = { secret: { signing_secrets: [NEW, OLD] } };
    expect(await send(url, BODIES.plain, sending)).toMatchObject({ verdict: 'delivered' });
  });

  test('responds 401 to an unknown signature, so that the sender reads its secret again', async () => {
    const { url, kept } = await servePartner([NEW]);
    const stale = { secret: { signing_secrets: [OLD] } };
    expect(await send(url, BODIES.plain, stale)).toMatchObject({ verdict: 'dead', result: { status: 401 } });
    expect(kept).toEqual([]);

    const renewed = { ...stale, secretAnew: { signing_secrets: [NEW, OLD] } };
    expect(await send(url, BODIES.plain, renewed)).toMatchObject({ verdict: 'delivered' });
    expect(kept).toHaveLength(1);
  });

  test('is tried again where it cannot keep a webhook', async () => {
    const { url } = await servePartner([NEW], () => {
      throw new Error('no room to keep it');
    });
    expect(await send(url, BODIES.plain)).toMatchObject({ verdict: 'retry', result: { status: 503 } });
  });

  test.each(PAYLOAD_FORMATS)(
    'responds to a connection test (%s) as to any webhook, and keeps nothing',
    async (format) => {
      const { url, kept } = await servePartner([NEW]);
      const body = testPayload(integration({ payload_format: format }), new Date().toISOString());
      expect(await send(url, body)).toMatchObject({ verdict: 'delivered' });
      expect(kept).toEqual([]);
    },
  );

  test('does not wait for a body that is too long, or of no stated length', async () => {
    const { url } = await servePartner([NEW]);
    expect(await send(url, JSON.stringify({ text: 'x'.repeat(1024 * 1024) }))).toMatchObject({ verdict: 'dead' });
    const endless = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('{')) });
    const answer = await fetch(url, { method: 'POST', body: endless, duplex: 'half' } as RequestInit);
    expect(answer.status).toBe(413);
  });
});

describe('decrypt.ts', () => {
  test('gives back the value of a field as it was, whatever its type', async () => {
    const { texts, values } = await encryptedFields();
    expect(await Promise.all(texts.map((text) => decryptField([KEY], text)))).toEqual(values);
  });

  test('finds the right key during a change, and refuses a text of another one', async () => {
    const { texts, values } = await encryptedFields();
    expect(await decryptField([OLD_KEY, KEY], texts[0] as string)).toEqual(values[0]);
    await expect(decryptField([OLD_KEY], texts[0] as string)).rejects.toThrow('no key has the id');
  });
});

/** Encrypted fields as a partner got them, in an enrollment, with the values that went in. */
async function encryptedFields() {
  const user = { email: 'learner@example.com', id: 12345, tags: ['é', null], flags: { active: true } };
  const fields = Object.keys(user).map((name) => `user.${name}`);
  const { body } = await receiptOf(JSON.stringify({ user, enrollment: {} }), { encryptedFields: fields });
  return { texts: Object.values(JSON.parse(body).user) as string[], values: Object.values(user) };
}

describeWithClient('standardwebhooks', 'verify.py and the official library for Python', (python) => {
  /** Verifies receipts through a file, as an operator would. */
  async function verify(receipts: readonly Receipt[]) {
    const directory = mkdtempSync(join(tmpdir(), 'receipts-'));
    await keep({ close: () => rmSync(directory, { recursive: true }) });
    const file = join(directory, 'receipts.jsonl');
    writeFileSync(file, receipts.map((receipt) => `${JSON.stringify(receipt)}\n`).join(''));
    const ended = await runClient(python, [path('./verify_receipts.py'), file]);
    return { ...ended, lines: ended.stdout.trim().split('\n') };
  }

  test('accept what was really delivered', async () => {
    const receipts = await genuineReceipts();
    const { status, stderr, lines } = await verify(receipts);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(lines).toEqual([
      ...receipts.map(({ headers }) => `${headers['webhook-id']} by hand: True, with the library: True`),
      `${receipts.length} of ${receipts.length} genuine`,
    ]);
  });

  test('refuse what is forged, stale or broken, without an exception', async () => {
    const forged = forgeries(await receiptOf(BODIES.plain));
    const { status, stderr, lines } = await verify(Object.values(forged));
    expect({ status, stderr }).toEqual({ status: 1, stderr: '' });
    const verdicts = Object.keys(forged).map((what, index) => `${what}: ${lines[index]?.replace(/^.* by/, 'by')}`);
    expect(verdicts).toEqual(Object.keys(forged).map((what) => `${what}: by hand: False, with the library: False`));
  });

  test('accept the test vector of the partner kit', async () => {
    const { secret, id, timestamp, body, signature } = testVector(BODIES.plain, Date.now());
    const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    const receipt = { headers, body, received_at: new Date().toISOString(), signing_secret: secret };
    expect(await verify([receipt])).toMatchObject({ status: 0, stderr: '' });
  });

  test('a file without receipts proves nothing', async () => {
    expect(await verify([])).toMatchObject({ status: 1, lines: ['0 of 0 genuine'] });
  });

  test('receiver.py keeps webhooks, refuses strangers, and is tried again where it cannot keep', async () => {
    const child = startClient(python, [path('./partner_receiver.py'), NEW, OLD]);
    const ended = new Promise((resolve) => child.once('close', resolve));
    await keep({
      close() {
        child.stdin.end();
        return ended;
      },
    });
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    const next = async () => JSON.parse((await lines.next()).value ?? 'null');
    const url = `http://127.0.0.1:${await next()}`;
    for (const body of Object.values(BODIES)) {
      expect(await send(url, body)).toMatchObject({ verdict: 'delivered', result: { status: 204 } });
      expect(await next()).toMatchObject({ id: webhookId('acme', body) });
    }
    const statusOf = async (body: string, sending?: Sending) => {
      const sent = await send(url, body, sending);
      return sent.kind === 'sent' && sent.result.kind === 'responded' ? sent.result.status : sent;
    };
    expect({
      rotating: await statusOf('{"n":1}', { secret: { signing_secrets: [STRANGER, OLD] } }),
      test: await statusOf(testPayload(integration(), new Date().toISOString())),
      stranger: await statusOf('{"n":2}', { secret: { signing_secrets: [STRANGER] } }),
      unkept: await statusOf('{"fail":true}'),
      tooLong: await statusOf(JSON.stringify({ text: 'x'.repeat(1024 * 1024) })),
      next: await statusOf('{"n":3}'),
    }).toEqual({ rotating: 204, test: 204, stranger: 401, unkept: 503, tooLong: 413, next: 204 });
    expect([await next(), await next()]).toMatchObject([{ payload: { n: 1 } }, { payload: { n: 3 } }]);
  });
});

describeWithClient('joserfc', 'decrypt.py', (python) => {
  const decrypt = async (keys: readonly string[], texts: readonly string[]) => {
    const ended = await runClient(python, [path('./decrypt_fields.py')], JSON.stringify({ keys, texts }));
    expect(ended).toMatchObject({ status: 0, stderr: '' });
    return JSON.parse(ended.stdout);
  };

  test('gives back the value of a field as it was, and finds the right key during a change', async () => {
    const { texts, values } = await encryptedFields();
    expect(await decrypt([OLD_KEY, KEY], texts)).toEqual(values.map((value) => ({ value })));
  });

  test('refuses a text of another key', async () => {
    const { texts } = await encryptedFields();
    expect(await decrypt([OLD_KEY, STRANGER.slice('whsec_'.length)], texts)).toEqual(
      texts.map(() => ({ error: 'InvalidKeyIdError' })),
    );
  });
});
