import type { Socket } from 'node:net';
import { describe, expect, jest, test } from '@jest/globals';
import { createHttpsSender } from '../../../lambdas/partners/http/sender.ts';
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

const partnerThat = (answer: Answer) => keep(startPartner(answer));

const partnerThatTalks = (talk: (socket: Socket) => void) => keep(startRawPartner(talk));

const sender = createHttpsSender(TO_LOCAL_PARTNERS);
const request = (url: string, overrides: Partial<WebhookRequest> = {}): WebhookRequest => ({
  url,
  headers: { 'content-type': 'application/json' },
  body: '{}',
  timeoutMs: 5_000,
  ...overrides,
});

/** Sends, and leaves out how long it took. */
async function send(wanted: WebhookRequest, by = sender) {
  const { timings: _, ...result } = await by.send(wanted);
  return result;
}

/** Resolves when a connection is closed, gracefully or not; a test that waits in vain fails by its time. */
function closed(socket: Socket | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (socket === undefined || socket.closed) resolve();
    else socket.once('close', () => resolve()).on('error', () => {});
  });
}

describe('a webhook on the wire', () => {
  test('is one POST with exactly the bytes and headers that were given', async () => {
    const partner = await partnerThat((answer) => answer.end());
    const body = '{"a":1.0,"text":"é字\u{1F600}\\ud800","big":12345678901234567890}';
    const headers = { 'content-type': 'application/json', 'user-agent': 'a/1', 'webhook-id': 'wh_1' };
    await sender.send(request(`${partner.url}/hooks/x?tenant=1`, { headers, body }));

    expect(partner.received).toHaveLength(1);
    expect(partner.received[0]).toMatchObject({ method: 'POST', path: '/hooks/x?tenant=1' });
    expect(partner.received[0]?.body).toEqual(Buffer.from(body));
    expect(partner.received[0]?.headers).toEqual({
      ...headers,
      'content-length': String(Buffer.byteLength(body)),
      host: `127.0.0.1:${partner.port}`,
      connection: 'keep-alive',
    });
  });

  test('carries the names of headers as they are written', async () => {
    const partner = await partnerThat((answer) => answer.end());
    const headers = { 'X-API-Key': 'k', 'x-Tenant': 't', Authorization: 'Bearer a', Accept: '*/*' };
    await sender.send(request(partner.url, { headers }));
    const names = partner.received[0]?.rawHeaders.filter((_, index) => index % 2 === 0);
    expect(names?.sort()).toEqual(
      ['X-API-Key', 'x-Tenant', 'Authorization', 'Accept', 'Content-Length', 'Host', 'Connection'].sort(),
    );
  });

  test.each([200, 201, 202, 204, 301, 302, 307, 308, 400, 401, 404, 408, 410, 429, 500, 503])(
    'is answered with %i',
    async (status) => {
      const partner = await partnerThat((answer) => answer.writeHead(status, { location: '/elsewhere' }).end());
      expect(await send(request(partner.url))).toEqual({ kind: 'answered', status });
      expect(partner.received.map(({ path }) => path)).toEqual(['/']);
    },
  );
});

describe('a partner that sends no response', () => {
  test('refuses the connection', async () => {
    const partner = await startPartner((answer) => answer.end());
    await partner.close();
    expect(await send(request(partner.url))).toEqual({ kind: 'failed', code: 'ECONNREFUSED' });
  });

  test.each<[string, (socket: Socket) => void, string]>([
    ['resets the connection', (socket) => socket.resetAndDestroy(), 'ECONNRESET'],
    ['closes the connection', (socket) => void socket.end(), 'ECONNRESET'],
    ['responds with something else', (socket) => void socket.end('SSH-2.0-server\r\n'), 'MALFORMED_RESPONSE'],
  ])('%s: on a new socket the request is not repeated', async (_what, talk, code) => {
    const partner = await partnerThatTalks(talk);
    expect(await send(request(partner.url))).toEqual({ kind: 'failed', code });
    expect(partner.connections).toHaveLength(1);
  });
});

// test/partners/http/responses.test.ts holds the sender to a table of them.
describe('a response that cannot be read after its status', () => {
  test.each<[string, string, (socket: Socket) => void, object]>([
    ['has too many headers', 'x-more: 1\r\n'.repeat(10_000), () => {}, { responseFault: 'HPE_HEADER_OVERFLOW' }],
    [
      'has a garbled body',
      'transfer-encoding: chunked\r\n\r\nno number\r\n',
      () => {},
      { responseFault: 'HPE_INVALID_CHUNK_SIZE' },
    ],
    [
      'is reset in its body',
      'content-length: 9\r\n\r\nshort',
      (socket) => socket.resetAndDestroy(),
      { responseStart: 'short', responseFault: 'ECONNRESET' },
    ],
    [
      'breaks off in its body',
      'content-length: 9\r\n\r\nshort',
      (socket) => void socket.end(),
      { responseStart: 'short', responseFault: 'ECONNRESET' },
    ],
  ])('%s: the result has its status and its beginning', async (_what, rest, end, kept) => {
    const partner = await partnerThatTalks((socket) => socket.write(`HTTP/1.1 200 OK\r\n${rest}`, () => end(socket)));
    expect(await send(request(partner.url))).toEqual({ kind: 'answered', status: 200, ...kept });
    await closed(partner.connections[0]);
    expect(partner.connections).toHaveLength(1);
  });

  test('is not waited for until the deadline, except by a client that needs its body', async () => {
    const held: Socket[] = [];
    const partner = await partnerThatTalks((socket) => {
      held.push(socket);
      socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nto');
    });
    const impatient = createHttpsSender({ ...TO_LOCAL_PARTNERS, bodyWaitMs: 50 });
    const token = send(request(partner.url, { keepBodyBytes: 100, timeoutMs: 600_000 }), impatient);
    while (held.length === 0) await new Promise(setImmediate);
    const started = { kind: 'answered', status: 200, responseStart: 'to' };
    const webhook = await send(request(partner.url, { timeoutMs: 600_000 }), impatient);
    expect(webhook).toEqual({ ...started, responseFault: 'TIMEOUT' });
    held[0]?.write('ke');
    expect(await token).toEqual({ ...started, responseStart: 'toke' });
  });
});

test('the body of a response is waited for 2 s by default', async () => {
  const timers = jest.spyOn(globalThis, 'setTimeout');
  const partner = await partnerThatTalks((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nto'));
  const sent = send(request(partner.url, { timeoutMs: 600_000 }));
  while (!timers.mock.calls.some(([, ms]) => ms === 2_000)) await new Promise(setImmediate);
  jest.restoreAllMocks();
  partner.connections[0]?.write('ke');
  expect(await sent).toEqual({ kind: 'answered', status: 200, responseStart: 'toke' });
});

describe('one deadline over connection, headers and body', () => {
  const DEADLINE_MS = 150;

  test.each<[string, (socket: Socket) => void]>([
    ['no word', () => {}],
    ['half a status line', (socket) => socket.write('HTTP/1.1 2')],
    ['an interim response and no other', (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n')],
    ['headers without end', (socket) => void trickle(socket, 'HTTP/1.1 200 OK\r\n', 'x-more: 1\r\n')],
  ])('ends an attempt at a partner with %s', async (_what, talk) => {
    const partner = await partnerThatTalks(talk);
    const result = await send(request(partner.url, { timeoutMs: DEADLINE_MS }));
    expect(result).toEqual({ kind: 'failed', code: 'TIMEOUT' });
    await closed(partner.connections[0]);
  });

  test.each<[string, (socket: Socket) => void]>([
    ['stops', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort')],
    ['trickles', (socket) => void trickle(socket, 'HTTP/1.1 200 OK\r\n\r\n', '.')],
  ])('ends the wait for a body that %s: the status is known', async (_what, talk) => {
    const partner = await partnerThatTalks(talk);
    const result = await send(request(partner.url, { timeoutMs: DEADLINE_MS }));
    expect(result).toMatchObject({ kind: 'answered', status: 200, responseFault: 'TIMEOUT' });
    await closed(partner.connections[0]);
  });

  async function trickle(socket: Socket, start: string, part: string) {
    socket.write(start);
    const timer = setInterval(() => socket.write(part), 20);
    socket.once('close', () => clearInterval(timer));
  }
});

describe('a partner that responds immediately', () => {
  test('need not read the request: its status counts', async () => {
    const partner = await partnerThatTalks((socket) => {
      socket.pause();
      socket.write('HTTP/1.1 413 No\r\ncontent-length: 0\r\n\r\n');
    });
    const result = await send(request(partner.url, { body: 'x'.repeat(20_000_000), timeoutMs: 600_000 }));
    expect(result).toEqual({ kind: 'answered', status: 413 });
  });
});

describe('the body of a response', () => {
  test('is read so that the connection serves the next webhook', async () => {
    const partner = await partnerThat((answer) => answer.end('x'.repeat(60 * 1024)));
    await sender.send(request(partner.url));
    await sender.send(request(partner.url));
    expect(partner.received.map(({ connection }) => connection)).toEqual([0, 0]);
  });

  test('is cut at 64 KiB where it does not end: its status counts', async () => {
    const partner = await partnerThat((answer) => {
      answer.writeHead(202);
      const more = () => {
        while (!answer.destroyed && answer.write('x'.repeat(16 * 1024)));
      };
      answer.on('drain', more);
      more();
    });
    const responseStart = 'x'.repeat(2_048);
    expect(await send(request(partner.url))).toEqual({ kind: 'answered', status: 202, responseStart });
    await closed(partner.connections[0]);
  });
});

describe('a keep-alive connection', () => {
  /** Responds to the first request on each connection, and handles the second one with `spoil`. */
  const partnerThatSpoilsReuse = (spoil: (socket: Socket, connection: number) => void) => {
    const seen = new Map<number, number>();
    return partnerThat((answer, { connection }) => {
      seen.set(connection, (seen.get(connection) ?? 0) + 1);
      if (seen.get(connection) === 1) answer.end();
      else spoil(answer.socket as Socket, connection);
    });
  };

  test.each<[string, (socket: Socket) => void]>([
    ['reset', (socket) => socket.resetAndDestroy()],
    ['closed', (socket) => socket.destroy()],
    ['found to hold the rest of an earlier response', (socket) => socket.write('</html>')],
  ])('and is %s as it is reused: the request is repeated on a new one', async (_how, spoil) => {
    const partner = await partnerThatSpoilsReuse(spoil);
    expect(await send(request(partner.url, { body: '"first"' }))).toEqual({ kind: 'answered', status: 200 });
    expect(await send(request(partner.url, { body: '"second"' }))).toEqual({ kind: 'answered', status: 200 });
    const received = partner.received.map(({ body, connection }) => [body.toString(), connection]);
    expect(received).toEqual([
      ['"first"', 0],
      ['"second"', 0],
      ['"second"', 1],
    ]);
  });

  test('is followed by a new one, not by another idle one', async () => {
    const partner = await partnerThatSpoilsReuse((socket) => socket.resetAndDestroy());
    await Promise.all([sender.send(request(partner.url)), sender.send(request(partner.url))]);
    expect(partner.connections).toHaveLength(2);
    expect(await send(request(partner.url))).toEqual({ kind: 'answered', status: 200 });
    expect(partner.received.at(-1)?.connection).toBe(2);
  });

  test('does not lead to a third request', async () => {
    let requests = 0;
    const partner = await partnerThat((answer) => {
      requests += 1;
      if (requests === 1) answer.end();
      else answer.socket?.resetAndDestroy();
    });
    await sender.send(request(partner.url));
    expect(await send(request(partner.url))).toEqual({ kind: 'failed', code: 'ECONNRESET' });
    expect(requests).toBe(3);
  });

  test('shares its deadline with the second request', async () => {
    const timeoutMs = 600_000;
    const partner = await partnerThatSpoilsReuse((socket) => {
      const lateMs = performance.now() + timeoutMs;
      jest.spyOn(performance, 'now').mockReturnValue(lateMs);
      socket.resetAndDestroy();
    });
    await sender.send(request(partner.url));
    const result = await send(request(partner.url, { timeoutMs }));
    jest.restoreAllMocks();
    expect(result).toEqual({ kind: 'failed', code: 'TIMEOUT' });
    // With its own deadline the second request would be sent.
    expect(partner.received).toHaveLength(2);
  });

  test.each([
    ['HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n', { kind: 'answered', status: 200, responseFault: 'ECONNRESET' }],
    ['H', { kind: 'failed', code: 'ECONNRESET' }],
  ])(
    'and breaks off in its response is not repeated, since the partner had begun to respond: %j',
    async (part, expected) => {
      const partner = await partnerThatSpoilsReuse((socket) => void socket.end(part));
      await sender.send(request(partner.url));
      expect(await send(request(partner.url))).toEqual(expected);
      expect(partner.received).toHaveLength(2);
    },
  );
});

describe('an address', () => {
  test('without TLS is forbidden where the stage does not allow it, and nothing is sent', async () => {
    const partner = await partnerThat((answer) => answer.end());
    const strict = createHttpsSender({ ...TO_LOCAL_PARTNERS, allowPlainHttp: false });
    const result = await strict.send(request(partner.url));
    expect(result).toEqual({ kind: 'failed', code: 'FORBIDDEN_URL' });
    expect(classify(result).verdict).toBe('dead');
    expect(partner.connections).toHaveLength(0);
    expect(await send(request('http://169.254.169.254/'))).toEqual({ kind: 'failed', code: 'FORBIDDEN_ADDRESS' });
  });

  test('has one of the stage’s ports', async () => {
    const partner = await partnerThat((answer) => answer.end());
    const listing = (...allowedPorts: number[]) => createHttpsSender({ ...TO_LOCAL_PARTNERS, allowedPorts });
    expect(await send(request(partner.url), listing(443))).toEqual({ kind: 'failed', code: 'FORBIDDEN_PORT' });
    expect(partner.connections).toHaveLength(0);
    expect(await send(request(partner.url), listing(443, partner.port))).toEqual({ kind: 'answered', status: 200 });
  });
});

describe('a name', () => {
  const onPort = ({ port }: PartnerServer) => request(`http://localhost:${port}/`);

  test('that leads to this machine is forbidden as the connection is made, and nothing is sent', async () => {
    const partner = await partnerThat((answer) => answer.end());
    const strict = createHttpsSender({ ...TO_LOCAL_PARTNERS, allowedCidrs: [] });
    expect(await send(onPort(partner), strict)).toEqual({ kind: 'failed', code: 'FORBIDDEN_ADDRESS' });
    expect(partner.connections).toHaveLength(0);
    expect(await send(onPort(partner))).toEqual({ kind: 'answered', status: 200 });
  });

  test('that is rebound to another address is checked again for each connection', async () => {
    const partner = await partnerThat((answer) => answer.writeHead(200, { connection: 'close' }).end());
    const addresses = ['127.0.0.1', '127.0.0.2'];
    const rebound = createHttpsSender({
      ...TO_LOCAL_PARTNERS,
      allowedCidrs: ['127.0.0.1/32'],
      lookup: (_name, _options, callback) => callback(null, [{ address: addresses.shift() ?? '', family: 4 }]),
    });
    expect(await send(onPort(partner), rebound)).toEqual({ kind: 'answered', status: 200 });
    expect(await send(onPort(partner), rebound)).toEqual({ kind: 'failed', code: 'FORBIDDEN_ADDRESS' });
    expect(partner.connections).toHaveLength(1);
  });

  test('that does not exist may do so later', async () => {
    const result = await sender.send(request('http://nothing.invalid/'));
    expect(result).toMatchObject({ kind: 'failed', code: expect.stringMatching(/^(ENOTFOUND|EAI_AGAIN)$/) });
    expect(classify(result).verdict).toBe('retry');
  });

  test('that is never resolved ends the attempt at its deadline', async () => {
    const mute = createHttpsSender({ ...TO_LOCAL_PARTNERS, lookup: () => {} });
    const result = await send(request('http://partner.example/', { timeoutMs: 50 }), mute);
    expect(result).toEqual({ kind: 'failed', code: 'TIMEOUT' });
  });
});

describe('the stored beginning of a response', () => {
  const keeping = async (body: string | Buffer, keepBodyBytes?: number) => {
    const partner = await partnerThat((answer) => answer.end(body));
    const wanted = request(partner.url, keepBodyBytes === undefined ? {} : { keepBodyBytes });
    const result = await sender.send(wanted);
    return result.kind === 'answered' ? result.responseStart : result;
  };

  test('is the beginning of its body: 2 KiB', async () => {
    expect(await keeping('{"error":"no"}')).toBe('{"error":"no"}');
    expect(await keeping('x'.repeat(2_049))).toBe('x'.repeat(2_048));
  });

  test('is as much as was asked for, up to 64 KiB', async () => {
    expect(await keeping('x'.repeat(60_000), 50_000)).toBe('x'.repeat(50_000));
    expect(await keeping('x'.repeat(70_000), 1_000_000)).toBe('x'.repeat(65_536));
    expect([await keeping('x', 0), await keeping('')]).toEqual([undefined, undefined]);
  });

  test('is text, even where a character was cut or there was none', async () => {
    expect(await keeping('字字', 4)).toBe('字\uFFFD');
    expect(await keeping(Buffer.from([0xff, 0x41]))).toBe('\uFFFDA');
  });

  test('has its type and length in the result if it is no 2xx', async () => {
    const partner = await partnerThat((answer) => answer.writeHead(400, { 'content-type': 'Text/Plain' }).end('no'));
    const details = { contentType: 'Text/Plain', bodyBytes: 2, responseStart: 'no' };
    expect(await send(request(partner.url))).toEqual({ kind: 'answered', status: 400, ...details });
  });

  test('is put together from its parts', async () => {
    const partner = await partnerThatTalks((socket) => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nab\r\n');
      setImmediate(() => socket.write('2\r\ncd\r\n0\r\n\r\n'));
    });
    expect(await send(request(partner.url))).toEqual({ kind: 'answered', status: 200, responseStart: 'abcd' });
  });

  test.each([
    [['120'], '120'],
    [['Wed, 21 Oct 2026 07:28:00 GMT'], 'Wed, 21 Oct 2026 07:28:00 GMT'],
    [['soon'], 'soon'],
    [['7', '9'], '7, 9'],
  ])('is its Retry-After as it came: %j', async (values, retryAfter) => {
    const partner = await partnerThat((answer) => answer.setHeader('retry-after', values).writeHead(429).end());
    expect(await send(request(partner.url))).toEqual({ kind: 'answered', status: 429, retryAfter });
  });
});

test('how far a request is: sent when it has left, over any connection, and responded with the head', async () => {
  const partner = await partnerThat((answer) => answer.end('ok'));
  const silent = await partnerThat((answer) => answer.destroy());
  const gone = await partnerThat((answer) => answer.end());
  await gone.close();
  const stepsOf = async (url: string, by = createHttpsSender(TO_LOCAL_PARTNERS)) => {
    const steps: string[] = [];
    await by.send(request(url, { onProgress: (step) => steps.push(step) }));
    return steps;
  };
  const kept = createHttpsSender(TO_LOCAL_PARTNERS);
  expect(await stepsOf(partner.url, kept)).toEqual(['sent', 'responded']);
  expect(await stepsOf(partner.url, kept)).toEqual(['sent', 'responded']);
  expect(await stepsOf(silent.url)).toEqual(['sent']);
  expect(await stepsOf(gone.url)).toEqual([]);
});

test('a response that came while the event loop stood still counts, although the deadline has passed', async () => {
  const partner = await partnerThat((answer) => {
    answer.end('ok');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 400);
  });
  expect(await send({ ...request(partner.url), timeoutMs: 200 })).toMatchObject({ kind: 'answered', status: 200 });
});

describe('a request that cannot be written', () => {
  test.each([
    [{ 'x-name': 'a\r\nx-other: b' }, 'ERR_INVALID_CHAR'],
    [{ 'x-name': '字' }, 'ERR_INVALID_CHAR'],
    [{ 'x name': 'a' }, 'ERR_INVALID_HTTP_TOKEN'],
  ])('for its header %j fails, and the next one goes out', async (headers, code) => {
    const partner = await partnerThat((answer) => answer.end());
    expect(await send(request(partner.url, { headers }))).toEqual({ kind: 'failed', code });
    expect(await send(request(partner.url))).toEqual({ kind: 'answered', status: 200 });
  });

  test('is not made without time left', async () => {
    const partner = await partnerThat((answer) => answer.end());
    expect(await send(request(partner.url, { timeoutMs: 0 }))).toEqual({ kind: 'failed', code: 'TIMEOUT' });
    expect(partner.connections).toHaveLength(0);
  });
});

describe('how long it took', () => {
  test('is reported for each phase; a reused connection has fewer phases', async () => {
    const partner = await partnerThat((answer) => answer.end());
    const url = `http://localhost:${partner.port}/`;
    const { timings: first } = await sender.send(request(url));
    expect(Object.keys(first ?? {}).sort()).toEqual(['connectMs', 'dnsMs', 'firstByteMs', 'totalMs']);
    for (const tookMs of Object.values(first ?? {})) expect(tookMs).toBeGreaterThanOrEqual(0);
    expect(first?.totalMs).toBeGreaterThanOrEqual(first?.firstByteMs ?? Number.NaN);
    const { timings: second } = await sender.send(request(url));
    expect(Object.keys(second ?? {}).sort()).toEqual(['firstByteMs', 'totalMs']);
  });

  test('is reported for a failed attempt, up to its failure', async () => {
    const partner = await partnerThatTalks(() => {});
    const { timings } = await sender.send(request(partner.url, { timeoutMs: 50 }));
    expect(Object.keys(timings ?? {}).sort()).toEqual(['connectMs', 'totalMs']);
  });
});

test('an attempt that has ended leaves no timer', async () => {
  const timers = () => process.getActiveResourcesInfo().filter((resource) => resource === 'Timeout').length;
  const partner = await partnerThat((answer) => answer.end());
  const before = timers();
  await Promise.all(Array.from({ length: 40 }, () => sender.send(request(partner.url, { timeoutMs: 300_000 }))));
  expect(timers()).toBe(before);
});
