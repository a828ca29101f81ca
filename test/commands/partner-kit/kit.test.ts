import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingHttpHeaders, RequestListener } from 'node:http';
import * as https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { main } from '../../../commands/partner-kit/kit/main.ts';
import type { SampleBody } from '../../../commands/partner-kit/kit/sample-body.ts';
import { sampleBodies } from '../../../commands/partner-kit/sample-bodies.ts';
import { decryptField } from '../../../docs/partner/decrypt.ts';
import { receiver } from '../../../docs/partner/receiver.ts';
import { isGenuine } from '../../../docs/partner/verify.ts';
import { PAYLOAD_FORMATS } from '../../../lambdas/partners/payload-formats/payload-formats.ts';
import { signatureHeader } from '../../../lambdas/partners/signature.ts';
import { listen, startHttpServer } from '../../../local/http-server.ts';
import { NEW, OLD, receiptOf } from '../../conformance/real-receipts.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { NOW } from '../../support/factories.ts';
import { TEST_ONLY_AUTHORITY, TEST_ONLY_SIGNED } from '../../support/test-only-authority.ts';
import { TEST_ONLY_KEY } from '../../support/test-only-certificate.ts';
import {
  ACME_CERTIFICATE,
  ACME_KEY,
  CLIENT_ISSUER,
  CLIENT_ROOT,
  GLOBEX_KEY,
} from '../../support/test-only-client-certificates.ts';

const keep = closedAfterEach();

let bodies: readonly SampleBody[];
beforeAll(async () => {
  bodies = await sampleBodies(NOW);
});

/** Runs the kit's program, with its lines as they are printed. */
async function run(words: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const printed: string[] = [];
  const complaints: string[] = [];
  const output = {
    print: (line: string) => void printed.push(line),
    complain: (line: string) => void complaints.push(line),
  };
  const status = await main(words, bodies, variables, output);
  const failed = printed.flatMap((line) => /^FAIL {2}(.*?): expected /.exec(line)?.[1] ?? []);
  return { status, failed, complaints, printed: printed.join('\n') };
}

/** A receiver as a partner may write it: `status` decides from the headers and the body. */
async function serve(status: (headers: IncomingHttpHeaders, body: string) => number): Promise<string> {
  const listener: RequestListener = async (request, response) => {
    const body = await buffer(request);
    response.writeHead(status(request.headers, body.toString()), { location: '/elsewhere' }).end();
  };
  return (await keep(startHttpServer(listener))).url;
}

const verifies = (secrets: readonly string[], headers: IncomingHttpHeaders, body: string) =>
  isGenuine(secrets, headers, Buffer.from(body)) ? 204 : 401;

const signed = (headers: IncomingHttpHeaders, body: string) =>
  signatureHeader([NEW], String(headers['webhook-id']), Number(headers['webhook-timestamp']), body);

const isRecent = (headers: IncomingHttpHeaders) =>
  Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp'])) < 300;

/** One line for each sample, and the count. */
const ALL_PASSED = /^(pass {2}.*\n){50,}\n(\d+) of \2 passed\.$/m;

const COMPLETION = 'course_completion, learning_time_object';
const REFUSED = [
  ...['signed with another secret', 'the body was changed after signing', 'the webhook-id was changed after signing'],
  ...['the timestamp was changed after signing', 'signed 6 minutes ago', 'signed 6 minutes in the future'],
  ...['a timestamp that is no number', 'a signature of an unknown version only', 'a signature that is cut off'],
  ...['an empty signature', 'no webhook-signature', 'no webhook-timestamp', 'no webhook-id'],
];

describe('a correct receiver', () => {
  test('passes: the one of the guide, with the secrets of a rotation', async () => {
    const ids: string[] = [];
    const listener = receiver([NEW, OLD], async ({ id }) => void ids.push(id));
    const { url } = await keep(startHttpServer(listener));
    const { status, failed, printed } = await run(['--url', url, '--secret', NEW, '--secret', OLD]);
    expect({ status, failed }).toEqual({ status: 0, failed: [] });
    expect(printed).toMatch(ALL_PASSED);
    const [, twice] = /(wh_\w+) must be in your store once/.exec(printed) ?? [];
    expect(ids.filter((id) => id === twice)).toHaveLength(2);
    expect(ids.length - new Set(ids).size).toBe(1);
  });

  test('passes: one that verifies with the official library', async () => {
    const url = await serve((headers, body) => {
      try {
        return new Webhook(NEW).verify(body, headers as Record<string, string>) === undefined ? 500 : 204;
      } catch (error) {
        return error instanceof WebhookVerificationError ? 401 : 500;
      }
    });
    expect(await run(['--url', url, '--secret', NEW])).toMatchObject({ status: 0, failed: [] });
  });

  test('receives the headers of the pipeline, those that it asks for, and bodies of one format only', async () => {
    const received: IncomingHttpHeaders[] = [];
    const url = await serve((headers, body) => {
      received.push(headers);
      return headers['x-api-key'] === 'k' ? verifies([NEW], headers, body) : 403;
    });
    const words = ['--url', url, '--header', 'X-API-Key: k', '--format', 'percipio'];
    expect(await run(words, { WEBHOOK_SECRET: NEW })).toMatchObject({ status: 0 });
    const { headers } = await receiptOf('{}');
    expect(new Set(Object.keys(received[0] ?? {}))).toEqual(new Set([...Object.keys(headers), 'x-api-key']));
    expect(new Set(received.map((one) => one['payload-format']))).toEqual(new Set(['percipio']));
    expect(new Set(received.map((one) => one['event-type']))).toEqual(
      new Set(['course_completion', 'course_enrollment', 'lead']),
    );
  });
});

describe('a client certificate', () => {
  const files = mkdtempSync(join(tmpdir(), 'client-certificate-'));
  const file = (name: string, text: string) => {
    writeFileSync(join(files, name), text);
    return join(files, name);
  };
  const cert = file('cert.pem', `${ACME_CERTIFICATE}\n${CLIENT_ISSUER}`);
  const key = file('key.pem', ACME_KEY);
  const before = getCACertificates('default');
  beforeAll(() => setDefaultCACertificates([...before, TEST_ONLY_AUTHORITY]));
  afterAll(() => {
    setDefaultCACertificates(before);
    rmSync(files, { recursive: true });
  });

  test('is presented to a receiver that requires it', async () => {
    const tls = { cert: TEST_ONLY_SIGNED, key: TEST_ONLY_KEY, ca: CLIENT_ROOT, requestCert: true };
    const server = https.createServer(
      tls,
      receiver([NEW], async () => {}),
    );
    const { port } = await keep(listen(server, 0, 'https'));
    const words = ['--url', `https://localhost:${port}`, '--secret', NEW, '--format', 'percipio'];
    expect(await run([...words, '--cert', cert, '--key', key])).toMatchObject({ status: 0, complaints: [] });
    const [complaint] = (await run(words)).complaints;
    expect(complaint).toMatch(/ cannot be reached \(.+\): is the receiver running, with a valid certificate\?$/);
  });

  test.each([
    [['--cert', cert], '--cert and --key belong together.'],
    [['--cert', join(files, 'absent'), '--key', key], '--cert cannot be read (ENOENT).'],
    [['--cert', cert, '--key', files], '--key cannot be read (EISDIR).'],
    [
      ['--cert', cert, '--key', file('other.pem', GLOBEX_KEY)],
      '--cert and --key are not a certificate and its key without a passphrase: key values mismatch.',
    ],
  ])('%#: one that cannot be used is refused in one sentence', async (words, sentence) => {
    const { status, complaints } = await run(['--url', 'https://a.example', '--secret', NEW, ...words]);
    expect({ status, complaints }).toEqual({ status: 2, complaints: [sentence] });
  });
});

test('the encrypted field of each format can be decrypted with the key that the kit prints', async () => {
  const encrypted = bodies.filter(({ encryptionKey }) => encryptionKey !== undefined);
  expect(encrypted.map(({ payloadFormat }) => payloadFormat)).toEqual(PAYLOAD_FORMATS);
  for (const { body, encryptionKey } of encrypted) {
    expect(await decryptField([String(encryptionKey)], JSON.parse(body).email)).toBe('learner@example.com');
  }
});

/** Faults of receivers, and the samples that find each; the kit knows both secrets. */
const FAULTS: readonly [string, (headers: IncomingHttpHeaders, body: string) => number, readonly string[]][] = [
  ['verifies nothing', () => 204, REFUSED],
  [
    'verifies JSON that it serialized again',
    (headers, body) => verifies([NEW, OLD], headers, JSON.stringify(JSON.parse(body))),
    [
      ...['learning_time_object', 'completion_field', 'percipio'].map(
        (format) => `course_completion, ${format}, numbers that JSON libraries rewrite`,
      ),
      'text that is not ASCII',
      'the body was changed after signing',
    ],
  ],
  [
    'knows one of two secrets',
    (headers, body) => verifies([NEW], headers, body),
    ['a rotation: signed with secret 2 only'],
  ],
  [
    'does not check the timestamp',
    (headers, body) =>
      isGenuine([NEW, OLD], headers, Buffer.from(body), Number(headers['webhook-timestamp'])) ? 204 : 401,
    ['signed 6 minutes ago', 'signed 6 minutes in the future'],
  ],
  [
    'tolerates two minutes only',
    (headers, body) =>
      Math.abs(Date.now() / 1000 - Number(headers['webhook-timestamp'])) > 120
        ? 401
        : verifies([NEW, OLD], headers, body),
    ['signed 4 minutes ago'],
  ],
  [
    'compares with the first signature only',
    (headers, body) =>
      verifies(
        [NEW, OLD],
        { ...headers, 'webhook-signature': String(headers['webhook-signature']).split(' ')[0] },
        body,
      ),
    ['a rotation: two signatures, yours is the second one', 'a signature of an unknown version before the right one'],
  ],
  [
    'compares the beginnings of signatures',
    (headers, body) => {
      const given = String(headers['webhook-signature'] ?? 'none').split(' ');
      return isRecent(headers) && given.some((one) => signed(headers, body).startsWith(one))
        ? 204
        : verifies([OLD], headers, body);
    },
    ['a signature that is cut off', 'an empty signature'],
  ],
  [
    'ignores the version of a signature',
    (headers, body) =>
      verifies(
        [NEW, OLD],
        { ...headers, 'webhook-signature': headers['webhook-signature']?.toString().replaceAll('v1a,', 'v1,') },
        body,
      ),
    ['a signature of an unknown version only'],
  ],
  [
    'fails without the headers',
    (headers, body) =>
      headers['webhook-signature'] && headers['webhook-id'] ? verifies([NEW, OLD], headers, body) : 500,
    ['no webhook-signature', 'no webhook-id'],
  ],
  [
    'has a limit of 256 KiB',
    (headers, body) => (body.length > 256 * 1024 ? 413 : verifies([NEW, OLD], headers, body)),
    ['a body of 280 KiB'],
  ],
  [
    'refuses fields that it does not know',
    (headers, body) => ('a_field_added_later' in JSON.parse(body) ? 400 : verifies([NEW, OLD], headers, body)),
    ['a field and a header that are new'],
  ],
  [
    'takes a time of 0 for none',
    (headers, body) => (body.includes('"total_seconds":0') ? 422 : verifies([NEW, OLD], headers, body)),
    [`${COMPLETION}, learning time of 0`],
  ],
  ['answers 410 to a stranger', (headers, body) => (verifies([NEW, OLD], headers, body) === 401 ? 410 : 204), REFUSED],
];

describe('a receiver that', () => {
  test.each(FAULTS)('%s fails exactly there', async (_, status, expected) => {
    const { status: code, failed } = await run(['--url', await serve(status), '--secret', NEW, '--secret', OLD]);
    expect({ code, failed }).toEqual({ code: 1, failed: expected });
  });

  test('refuses a webhook-id that it has fails there', async () => {
    const ids = new Set<unknown>();
    const url = await serve((headers, body) => {
      const status = verifies([NEW], headers, body);
      if (status === 204 && ids.has(headers['webhook-id'])) return 409;
      if (status === 204) ids.add(headers['webhook-id']);
      return status;
    });
    const { failed, printed } = await run(['--url', url, '--secret', NEW]);
    expect(failed).toEqual(['the same webhook-id twice']);
    expect(printed).toMatch(
      /^FAIL {2}the same webhook-id twice: expected 2xx, received 204 \(\d+ ms\), 409 \(\d+ ms\): respond with 2xx to/m,
    );
  });

  test('redirects fails every sample, and is not followed', async () => {
    const { failed, printed } = await run(['--url', await serve(() => 308), '--secret', NEW]);
    expect(failed).toHaveLength(Number(/^0 of (\d+) passed\.$/m.exec(printed)?.[1]));
    expect(printed).toMatch(
      /^FAIL {2}course_completion, .*: expected 2xx, received 308 \(\d+ ms\): the pipeline follows no redirect/m,
    );
  });

  test('closes the connection without a response fails there, after a second attempt on a new connection', async () => {
    let closed = 0;
    const listener: RequestListener = (request, response) => {
      if ('x-header-added-later' in request.headers) {
        closed += 1;
        request.socket.destroy();
      } else request.resume().once('end', () => response.writeHead(204).end());
    };
    const { url } = await keep(startHttpServer(listener));
    const { printed } = await run(['--url', url, '--secret', NEW, '--format', 'percipio']);
    expect(printed).toMatch(/that are new: expected 2xx, received nothing \(ECONNRESET\): ignore fields and headers/);
    expect(closed).toBe(2);
  });

  test('does not respond in time is named in one sentence', async () => {
    const { url } = await keep(startHttpServer(() => {}));
    const { status, complaints } = await run(['--url', url, '--secret', NEW, '--timeout', '1']);
    const complaint = `${url} cannot be reached (TIMEOUT): is the receiver running?`;
    expect({ status, complaints }).toEqual({ status: 1, complaints: [complaint] });
  });

  test('is not there is named in one sentence', async () => {
    const { url, close } = await startHttpServer(() => {});
    await close();
    expect(await run(['--url', url, '--secret', NEW])).toEqual({
      status: 1,
      failed: [],
      complaints: [`${url} cannot be reached (ECONNREFUSED): is the receiver running?`],
      printed: '',
    });
  });
});

describe('the command line', () => {
  const URL_WORDS = ['--url', 'https://hooks.example.com'];
  const ALL = [...URL_WORDS, '--secret', NEW];

  test.each([
    [['--secret', NEW], 'Give the receiver with --url (--help shows all options).'],
    [['--url', 'hooks', '--secret', NEW], '--url is no URL: it must be like https://hooks.example.com/learning.'],
    [['--url', 'ftp://hooks.example.com', '--secret', NEW], '--url must begin with https://.'],
    [
      ['--url', 'http://hooks.example.com', '--secret', NEW],
      '--url must begin with https://: http:// is for localhost only.',
    ],
    [
      ['--url', 'https://me:you@hooks.example.com', '--secret', NEW],
      '--url must have no user name or password: give them with --header "Authorization: …".',
    ],
    [URL_WORDS, 'Give the receiver’s signing secret with --secret.'],
    [[...URL_WORDS, '--secret', 'c2VjcmV0'], '--secret must be whsec_ and the base64 of 24 to 64 bytes.'],
    [[...URL_WORDS, '--secret', 'whsec_c2hvcnQ='], '--secret must be whsec_ and the base64 of 24 to 64 bytes.'],
    [[...ALL, '--format', 'xml'], '--format must be one of learning_time_object, completion_field, percipio.'],
    [[...ALL, '--header', 'key'], '--header must be a name, a colon and a value in visible ASCII.'],
    [[...ALL, '--header', 'x: a\nb: c'], '--header must be a name, a colon and a value in visible ASCII.'],
    [[...ALL, '--header', 'Webhook-Id: 1'], '--header must not be Webhook-Id, which the kit sets itself.'],
    [[...ALL, '--timeout', '0'], '--timeout must be whole seconds from 1 to 300.'],
    [[...ALL, '--verbose'], "Unknown option '--verbose' (--help shows all options)."],
    [['--url'], "Option '--url <value>' argument missing (--help shows all options)."],
    [[...ALL, 'more'], expect.stringMatching(/^Unexpected argument 'more'.* \(--help shows all options\)\.$/)],
  ])('%j is refused in one sentence', async (words, sentence) => {
    expect(await run(words)).toEqual({ status: 2, failed: [], complaints: [sentence], printed: '' });
  });

  test('prints its help, and its samples without sending any', async () => {
    expect(await run(['--help'])).toMatchObject({ status: 0, printed: expect.stringContaining('Exit codes: 0 all') });
    const { printed } = await run(['--list', '--format', 'percipio']);
    expect(printed.split('\n')).toEqual(
      expect.arrayContaining(['lead.hot, percipio: expected 2xx', 'no webhook-id: expected 401 or another 4xx']),
    );
    expect(printed).not.toContain('completion_field');
  });

  test.each([[[]], [['--secret', OLD]]])('--vector %j is accepted by the official library', async (words) => {
    const { status, printed } = await run(['--vector', ...words]);
    const { secret, id, timestamp, body, signature } = JSON.parse(printed);
    const headers = { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature };
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect({ status, isGiven: secret === OLD }).toEqual({ status: 0, isGiven: words.length > 0 });
  });
});
