import type { OutgoingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, jest, test } from '@jest/globals';
import { createHttpsSender, type HttpsSenderOptions } from '../../../lambdas/partners/http/sender.ts';
import { classify } from '../../../lambdas/partners/response-outcome.ts';
import type { WebhookRequest } from '../../../lambdas/partners/webhook-sender.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import {
  type Answer,
  type PartnerServer,
  startPartner,
  startRawPartner,
  TO_LOCAL_PARTNERS,
} from '../../support/partner-server.ts';

const keep = closedAfterEach();
const partnerThat = (answer: Answer = (response) => response.end()) => keep(startPartner(answer));
const partnerThatTalks = (talk: (socket: Socket) => void) => keep(startRawPartner(talk));

const senderWith = (options: Partial<HttpsSenderOptions> = {}) =>
  createHttpsSender({ ...TO_LOCAL_PARTNERS, ...options });
const sender = senderWith();
const GOOD = { kind: 'responded', status: 200 };
/** Longer than a test. */
const NEVER_MS = 600_000;

const request = (url: string, overrides: Partial<WebhookRequest> = {}): WebhookRequest => ({
  ...{ url, headers: { 'content-type': 'application/json' }, body: '{}', timeoutMs: 5_000 },
  ...overrides,
});

/** Sends, and leaves out how long it took. */
async function send({ url }: { readonly url: string }, overrides: Partial<WebhookRequest> = {}, by = sender) {
  const { timings: _, ...result } = await by.send(request(url, overrides));
  return result;
}

/** Resolves when a connection is closed, gracefully or not. */
function closed(socket: Socket | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (socket === undefined || socket.closed) resolve();
    else socket.once('close', () => resolve()).on('error', () => {});
  });
}

describe('a webhook on the wire', () => {
  test('is one POST with exactly the bytes and headers that were given', async () => {
    const partner = await partnerThat();
    const body = '{"a":1.0,"text":"é字\u{1F600}\\ud800","big":12345678901234567890}';
    const headers = { 'Content-Type': 'application/json', 'x-Tenant': 't', Authorization: 'Bearer a', Accept: '*/*' };
    await send({ url: `${partner.url}/hooks/x?tenant=1` }, { headers, body });
    expect(partner.received).toHaveLength(1);
    expect(partner.received).toMatchObject([{ method: 'POST', path: '/hooks/x?tenant=1', body: Buffer.from(body) }]);
    const own = { 'Content-Length': String(Buffer.byteLength(body)), Host: `127.0.0.1:${partner.port}` };
    const sent = Object.entries({ ...headers, ...own, Connection: 'keep-alive' });
    const { rawHeaders = [] } = partner.received[0] ?? {};
    const received = sent.map((_, index) => rawHeaders.slice(2 * index, 2 * index + 2));
    expect(received.toSorted()).toEqual(sent.toSorted());
    expect(rawHeaders).toHaveLength(2 * sent.length);
  });

  test.each([200, 204, 301, 302, 307, 308, 401, 404, 410, 500])(
    'gets the response %i, and follows nothing',
    async (status) => {
      const partner = await partnerThat((response) => response.writeHead(status, { location: '/elsewhere' }).end());
      expect(await send(partner)).toEqual({ kind: 'responded', status });
      expect(partner.received.map(({ path }) => path)).toEqual(['/']);
    },
  );

  test.each([
    [{ 'x-name': 'a\r\nx-other: b' }, 'ERR_INVALID_CHAR'],
    [{ 'x-name': '字' }, 'ERR_INVALID_CHAR'],
    [{ 'x name': 'a' }, 'ERR_INVALID_HTTP_TOKEN'],
  ])('is not sent with the header %j, and the next one is', async (headers, code) => {
    const partner = await partnerThat();
    expect(await send(partner, { headers })).toEqual({ kind: 'failed', code });
    expect(await send(partner)).toEqual(GOOD);
    expect(partner.received).toHaveLength(1);
  });
});

describe('a partner that sends no response', () => {
  test('refuses the connection', async () => {
    const partner = await startPartner((response) => response.end());
    await partner.close();
    expect(await send(partner)).toEqual({ kind: 'failed', code: 'ECONNREFUSED' });
  });

  test.each<[string, (socket: Socket) => void, string]>([
    ['resets the connection', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
    ['closes the connection', (socket) => void socket.end(), 'ECONNRESET'],
    ['responds with something else', (socket) => void socket.end('SSH-2.0-server\r\n'), 'MALFORMED_RESPONSE'],
  ])('%s: on a new socket the request is not repeated', async (_what, talk, code) => {
    const partner = await partnerThatTalks(talk);
    expect(await send(partner)).toEqual({ kind: 'failed', code });
    expect(partner.connections).toHaveLength(1);
  });
});

// responses.test.ts has a table of them, with what the sender must make of each.
test.each<[string, string, object]>([
  ['too many headers', 'x-more: 1\r\n'.repeat(10_000), { responseFault: 'HPE_HEADER_OVERFLOW' }],
  ['no chunk size', 'transfer-encoding: chunked\r\n\r\nno number\r\n', { responseFault: 'HPE_INVALID_CHUNK_SIZE' }],
  ['a body that is reset', 'content-length: 9\r\n\r\nshort', { responseStart: 'short', responseFault: 'ECONNRESET' }],
])('a response with %s has its status, its beginning and the fault', async (_what, rest, kept) => {
  const partner = await partnerThatTalks((socket) =>
    socket.write(`HTTP/1.1 200 OK\r\n${rest}`, () => rest.endsWith('short') && socket.resetAndDestroy()),
  );
  expect(await send(partner)).toEqual({ ...GOOD, ...kept });
  await closed(partner.connections[0]);
  expect(partner.connections).toHaveLength(1);
});

describe('the wait for a body', () => {
  const START = 'HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nto';

  test('does not last until the deadline, except for a client that needs it', async () => {
    const partner = await partnerThatTalks((socket) => socket.write(START));
    const impatient = senderWith({ bodyWaitMs: 50 });
    const token = send(partner, { keepBodyBytes: 100, timeoutMs: NEVER_MS }, impatient);
    while (partner.connections.length === 0) await new Promise(setImmediate);
    const webhook = await send(partner, { timeoutMs: NEVER_MS }, impatient);
    expect(webhook).toEqual({ ...GOOD, responseStart: 'to', responseFault: 'TIMEOUT' });
    partner.connections[0]?.write('ke');
    expect(await token).toEqual({ ...GOOD, responseStart: 'toke' });
  });

  test('lasts 2 s by default', async () => {
    const timers = jest.spyOn(globalThis, 'setTimeout');
    const partner = await partnerThatTalks((socket) => socket.write(START));
    const sent = send(partner, { timeoutMs: NEVER_MS });
    while (!timers.mock.calls.some(([, ms]) => ms === 2_000)) await new Promise(setImmediate);
    jest.restoreAllMocks();
    partner.connections[0]?.write('ke');
    expect(await sent).toEqual({ ...GOOD, responseStart: 'toke' });
  });
});

describe('one deadline over connection, headers and body', () => {
  const TIMEOUT = { kind: 'failed', code: 'TIMEOUT' };

  function trickle(socket: Socket, start: string, part: string): void {
    socket.write(start);
    const timer = setInterval(() => socket.write(part), 20);
    socket.once('close', () => clearInterval(timer));
  }

  test.each<[string, (socket: Socket) => void, object]>([
    ['no word', () => {}, TIMEOUT],
    ['half a status line', (socket) => socket.write('HTTP/1.1 2'), TIMEOUT],
    ['an interim response only', (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'), TIMEOUT],
    ['headers without end', (socket) => trickle(socket, 'HTTP/1.1 200 OK\r\n', 'x-more: 1\r\n'), TIMEOUT],
    [
      'a body that stops: the status is known',
      (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort'),
      { ...GOOD, responseFault: 'TIMEOUT' },
    ],
    [
      'a body that trickles: the status is known',
      (socket) => trickle(socket, 'HTTP/1.1 200 OK\r\n\r\n', '.'),
      { ...GOOD, responseFault: 'TIMEOUT' },
    ],
  ])('ends an attempt at a partner that sends %s', async (_what, talk, expected) => {
    const partner = await partnerThatTalks(talk);
    expect(await send(partner, { timeoutMs: 150 })).toMatchObject(expected);
    await closed(partner.connections[0]);
  });

  test('ends an attempt whose name is never resolved', async () => {
    const mute = senderWith({ lookup: () => {} });
    expect(await send({ url: 'http://partner.example/' }, { timeoutMs: 50 }, mute)).toEqual(TIMEOUT);
  });

  test('without time left no request is made', async () => {
    const partner = await partnerThat();
    expect(await send(partner, { timeoutMs: 0 })).toEqual(TIMEOUT);
    expect(partner.connections).toHaveLength(0);
  });

  test('a response that arrived while the event loop was blocked still counts', async () => {
    const partner = await partnerThat((response) => {
      response.end('ok');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
    });
    expect(await send(partner, { timeoutMs: 200 })).toMatchObject(GOOD);
  });

  test('leaves no timer', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
    const partner = await partnerThat();
    const before = timers();
    await Promise.all(Array.from({ length: 40 }, () => send(partner, { timeoutMs: NEVER_MS })));
    // Other timers may start or end meanwhile.
    expect(timers()).toBeLessThan(before + 20);
  });
});

test('a partner that responds immediately need not read the request: its status counts', async () => {
  const partner = await partnerThatTalks((socket) => {
    socket.pause();
    socket.write('HTTP/1.1 413 No\r\ncontent-length: 0\r\n\r\n');
  });
  const result = await send(partner, { body: 'x'.repeat(20_000_000), timeoutMs: NEVER_MS });
  expect(result).toEqual({ kind: 'responded', status: 413 });
});

describe('a keep-alive connection', () => {
  /** Responds to the first request on each connection, and handles the second one with `spoil`. */
  const partnerThatSpoilsReuse = (spoil: (socket: Socket) => void) => {
    const used = new Set<number>();
    return partnerThat((response, { connection }) => {
      if (used.has(connection)) spoil(response.socket as Socket);
      else response.end('x'.repeat(60 * 1024));
      used.add(connection);
    });
  };
  const LONG = { ...GOOD, responseStart: 'x'.repeat(2_048) };

  test.each<[string, (socket: Socket) => void]>([
    ['reset', (socket) => socket.resetAndDestroy()],
    ['closed', (socket) => socket.destroy()],
    ['found to contain the rest of an earlier response', (socket) => socket.write('</html>')],
  ])(
    'that is %s as it is reused: the request is repeated, on a new one and not on another idle one',
    async (_how, spoil) => {
      const partner = await partnerThatSpoilsReuse(spoil);
      await Promise.all([send(partner), send(partner)]);
      expect(partner.connections).toHaveLength(2);
      expect(await send(partner, { body: '"third"' })).toEqual(LONG);
      const received = partner.received.slice(2).map(({ body, connection }) => [body.toString(), connection]);
      expect(received).toEqual([
        ['"third"', expect.any(Number)],
        ['"third"', 2],
      ]);
    },
  );

  test('does not lead to a third request', async () => {
    let requests = 0;
    const partner = await partnerThat((response) => {
      requests += 1;
      if (requests === 1) response.end();
      else response.socket?.resetAndDestroy();
    });
    await send(partner);
    expect(await send(partner)).toEqual({ kind: 'failed', code: 'ECONNRESET' });
    expect(requests).toBe(3);
  });

  test('shares its deadline with the second request', async () => {
    const partner = await partnerThatSpoilsReuse((socket) => {
      const lateMs = performance.now() + NEVER_MS;
      jest.spyOn(performance, 'now').mockReturnValue(lateMs);
      socket.resetAndDestroy();
    });
    await send(partner);
    const result = await send(partner, { timeoutMs: NEVER_MS });
    jest.restoreAllMocks();
    expect(result).toEqual({ kind: 'failed', code: 'TIMEOUT' });
    // With its own deadline the second request would be sent.
    expect(partner.received).toHaveLength(2);
  });

  test.each([
    ['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n', { ...GOOD, responseFault: 'ECONNRESET' }],
    ['H', { kind: 'failed', code: 'ECONNRESET' }],
  ])('that breaks off after the partner began to respond is not repeated: %j', async (part, expected) => {
    const partner = await partnerThatSpoilsReuse((socket) => void socket.end(part));
    await send(partner);
    expect(await send(partner)).toEqual(expected);
    expect(partner.received).toHaveLength(2);
  });
});

describe('an address', () => {
  test.each<[string, Partial<HttpsSenderOptions>]>([
    ['FORBIDDEN_URL', { allowPlainHttp: false }],
    ['FORBIDDEN_PORT', { allowedPorts: [443] }],
    ['FORBIDDEN_ADDRESS', { allowedCidrs: [] }],
  ])('that the stage does not permit gets nothing, permanently: %s', async (code, options) => {
    const partner = await partnerThat();
    for (const url of [partner.url, `http://localhost:${partner.port}/`]) {
      const result = await send({ url }, {}, senderWith(options));
      expect([result, classify(result).verdict]).toEqual([{ kind: 'failed', code }, 'dead']);
    }
    expect(partner.connections).toHaveLength(0);
    expect(await send(partner, {}, senderWith({ allowedPorts: [443, partner.port] }))).toEqual(GOOD);
  });

  test('of a name that is rebound is checked again for each connection', async () => {
    const partner = await partnerThat((response) => response.writeHead(200, { connection: 'close' }).end());
    const addresses = ['127.0.0.1', '127.0.0.2'];
    const rebound = senderWith({
      allowedCidrs: ['127.0.0.1/32'],
      lookup: (_name, _options, callback) => callback(null, [{ address: addresses.shift() ?? '', family: 4 }]),
    });
    const url = `http://localhost:${partner.port}/`;
    expect(await send({ url }, {}, rebound)).toEqual(GOOD);
    expect(await send({ url }, {}, rebound)).toEqual({ kind: 'failed', code: 'FORBIDDEN_ADDRESS' });
    expect(partner.connections).toHaveLength(1);
  });

  test('of a name that does not exist may exist later', async () => {
    const result = await send({ url: 'http://nothing.invalid/' });
    expect(result).toMatchObject({ kind: 'failed', code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) });
    expect(classify(result).verdict).toBe('retry');
  });
});

describe('the beginning of a response', () => {
  test.each<[string, string | Buffer, number | undefined, string | undefined]>([
    ['all of it', '{"error":"no"}', undefined, '{"error":"no"}'],
    ['2 KiB by default', 'x'.repeat(2_049), undefined, 'x'.repeat(2_048)],
    ['as much as was requested', 'x'.repeat(60_000), 50_000, 'x'.repeat(50_000)],
    ['64 KiB at most', 'x'.repeat(70_000), 1_000_000, 'x'.repeat(65_536)],
    ['nothing if none was requested', 'x', 0, undefined],
    ['nothing of an empty body', '', undefined, undefined],
    ['text, even if a character is cut', '字字', 4, '字\uFFFD'],
    ['text, even if it was none', Buffer.from([0xff, 0x41]), undefined, '\uFFFDA'],
  ])('is %s', async (_what, body, keepBodyBytes, start) => {
    const partner = await partnerThat((response) => response.end(body));
    const kept = keepBodyBytes === undefined ? {} : { keepBodyBytes };
    expect(await send(partner, kept)).toEqual({ ...GOOD, ...(start !== undefined && { responseStart: start }) });
  });

  test('is joined from its packets', async () => {
    const partner = await partnerThatTalks((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n');
      setImmediate(() => socket.write('2\r\ncd\r\n0\r\n\r\n'));
    });
    expect(await send(partner)).toEqual({ ...GOOD, responseStart: 'abcd' });
  });

  test('is enough of a body without end', async () => {
    const partner = await partnerThat((response) => {
      response.writeHead(202);
      const more = () => {
        while (!response.destroyed && response.write('x'.repeat(16 * 1024)));
      };
      response.on('drain', more);
      more();
    });
    expect(await send(partner)).toEqual({ kind: 'responded', status: 202, responseStart: 'x'.repeat(2_048) });
    await closed(partner.connections[0]);
  });

  test.each<[OutgoingHttpHeaders, object]>([
    [{ 'content-type': 'Text/Plain' }, { contentType: 'Text/Plain' }],
    [{ 'retry-after': 'soon' }, { retryAfter: 'soon' }],
    [{ 'Retry-After': ['7', '9'] }, { retryAfter: '7, 9' }],
  ])('of a refusal has its length, and these headers as they were sent: %j', async (headers, expected) => {
    const partner = await partnerThat((response) => response.writeHead(429, headers).end('no'));
    const details = { bodyBytes: 2, responseStart: 'no', ...expected };
    expect(await send(partner)).toEqual({ kind: 'responded', status: 429, ...details });
  });
});

test('progress is reported when the request has been sent, over any connection, and with the head', async () => {
  const partner = await partnerThat((response) => response.end('ok'));
  const silent = await partnerThat((response) => response.destroy());
  const gone = await partnerThat();
  await gone.close();
  const stepsOf = async (to: PartnerServer) => {
    const steps: string[] = [];
    await send(to, { onProgress: (step) => steps.push(step) });
    return steps;
  };
  expect(await stepsOf(partner)).toEqual(['sent', 'responded']);
  expect(await stepsOf(partner)).toEqual(['sent', 'responded']);
  expect(await stepsOf(silent)).toEqual(['sent']);
  expect(await stepsOf(gone)).toEqual([]);
});

test('each phase has its duration; a reused connection and a failed attempt have fewer phases', async () => {
  const partner = await partnerThat();
  const wanted = request(`http://localhost:${partner.port}/`);
  const { timings: first = { totalMs: Number.NaN } } = await sender.send(wanted);
  expect(Object.keys(first).sort()).toEqual(['connectMs', 'dnsMs', 'firstByteMs', 'totalMs']);
  for (const tookMs of Object.values(first)) expect(tookMs).toBeGreaterThanOrEqual(0);
  expect(first.totalMs).toBeGreaterThanOrEqual(first.firstByteMs ?? Number.NaN);
  const { timings: second } = await sender.send(wanted);
  expect(Object.keys(second ?? {}).sort()).toEqual(['firstByteMs', 'totalMs']);
  const mute = await partnerThatTalks(() => {});
  const { timings: failed } = await sender.send(request(mute.url, { timeoutMs: 50 }));
  expect(Object.keys(failed ?? {}).sort()).toEqual(['connectMs', 'totalMs']);
});
