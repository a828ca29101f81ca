import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createHttpsSender } from '../../lambdas/adapters/https-sender.ts';
import type { WebhookRequest } from '../../lambdas/contract/delivery-ports.ts';
import { classify } from '../../lambdas/domain/outcome.ts';
import { type Answer, type PartnerServer, startPartner, startRawPartner } from '../support/partner-server.ts';

const running: PartnerServer[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((partner) => partner.close()));
});

async function partnerThat(answer: Answer): Promise<PartnerServer> {
  const partner = await startPartner(answer);
  running.push(partner);
  return partner;
}

async function partnerThatTalks(talk: (socket: Socket) => void): Promise<PartnerServer> {
  const partner = await startRawPartner(talk);
  running.push(partner);
  return partner;
}

const sender = createHttpsSender({ allowPlainHttp: true });
const request = (url: string, overrides: Partial<WebhookRequest> = {}): WebhookRequest => ({
  url,
  headers: { 'content-type': 'application/json' },
  body: '{}',
  timeoutMs: 5_000,
  ...overrides,
});

/** Resolves when a connection is closed, gracefully or not; a test that waits in vain fails by its time. */
function closed(socket: Socket | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (socket === undefined || socket.closed) resolve();
    else socket.once('close', () => resolve()).on('error', () => {});
  });
}

/** Sends with a short deadline, and says how long it took. */
async function timed(url: string, timeoutMs: number) {
  const startedAt = performance.now();
  const result = await sender.send(request(url, { timeoutMs }));
  return { result, tookMs: performance.now() - startedAt };
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

  test.each([200, 201, 202, 204, 301, 302, 307, 308, 400, 401, 404, 408, 410, 429, 500, 503])(
    'is answered with %i',
    async (status) => {
      const partner = await partnerThat((answer) => answer.writeHead(status, { location: '/elsewhere' }).end());
      expect(await sender.send(request(partner.url))).toEqual({ kind: 'answered', status });
      expect(partner.received.map(({ path }) => path)).toEqual(['/']);
    },
  );

  test('is not sent to where a redirect points', async () => {
    const elsewhere = await partnerThat((answer) => answer.end());
    const partner = await partnerThat((answer) => answer.writeHead(302, { location: elsewhere.url }).end());
    expect(await sender.send(request(partner.url))).toEqual({ kind: 'answered', status: 302 });
    expect(elsewhere.received).toEqual([]);
  });

  test('is answered by the last status, not by an interim one', async () => {
    const partner = await partnerThatTalks((socket) => {
      socket.end('HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 503 No\r\ncontent-length: 0\r\n\r\n');
    });
    expect(await sender.send(request(partner.url))).toEqual({ kind: 'answered', status: 503 });
  });
});

describe('a partner that gives no answer', () => {
  test('refuses the connection', async () => {
    const partner = await startPartner((answer) => answer.end());
    await partner.close();
    expect(await sender.send(request(partner.url))).toEqual({ kind: 'failed', code: 'ECONNREFUSED' });
  });

  test('resets the connection: a fresh socket is not tried again', async () => {
    const partner = await partnerThatTalks((socket) => socket.resetAndDestroy());
    expect(await sender.send(request(partner.url))).toEqual({ kind: 'failed', code: 'ECONNRESET' });
    expect(partner.connections).toHaveLength(1);
  });

  test('closes the connection without a word', async () => {
    const partner = await partnerThatTalks((socket) => socket.end());
    expect(await sender.send(request(partner.url))).toEqual({ kind: 'failed', code: 'ECONNRESET' });
    expect(partner.connections).toHaveLength(1);
  });

  test('speaks something else', async () => {
    const partner = await partnerThatTalks((socket) => socket.end('SSH-2.0-server\r\n'));
    const result = await sender.send(request(partner.url));
    expect(result).toMatchObject({ kind: 'failed', code: expect.stringMatching(/^HPE_/) });
    expect(classify(result).verdict).toBe('retry');
  });

  test('breaks off in its answer', async () => {
    const partner = await partnerThatTalks((socket) => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort'));
    expect(await sender.send(request(partner.url))).toEqual({ kind: 'failed', code: 'ECONNRESET' });
  });
});

describe('a partner that wants another protocol', () => {
  test('answers 101, which ends the try like any other status', async () => {
    const partner = await partnerThatTalks((socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n');
    });
    const inVain = new Promise((resolve) => setTimeout(resolve, 500, 'no result after the deadline'));
    const result = await Promise.race([sender.send(request(partner.url, { timeoutMs: 150 })), inVain]);
    expect(result).toEqual({ kind: 'answered', status: 101 });
  });
});

describe('one deadline over connection, headers and body', () => {
  const DEADLINE_MS = 150;

  test.each<[string, (socket: Socket) => void]>([
    ['no word', () => {}],
    ['half a status line', (socket) => socket.write('HTTP/1.1 2')],
    ['an interim answer and no other', (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n')],
    ['headers without end', (socket) => void trickle(socket, 'HTTP/1.1 200 OK\r\n', 'x-more: 1\r\n')],
    ['a body that stops', (socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort')],
    ['a body that trickles', (socket) => void trickle(socket, 'HTTP/1.1 200 OK\r\n\r\n', '.')],
  ])('ends a try at a partner with %s', async (_what, talk) => {
    const partner = await partnerThatTalks(talk);
    const { result, tookMs } = await timed(partner.url, DEADLINE_MS);
    expect(result).toEqual({ kind: 'failed', code: 'TIMEOUT' });
    expect(tookMs).toBeGreaterThan(DEADLINE_MS - 20);
    expect(tookMs).toBeLessThan(DEADLINE_MS + 2_000);
  });

  test('closes the connection: a partner that hangs keeps none of ours', async () => {
    const partner = await partnerThatTalks(() => {});
    await sender.send(request(partner.url, { timeoutMs: DEADLINE_MS }));
    await closed(partner.connections[0]);
  });

  async function trickle(socket: Socket, start: string, part: string) {
    socket.write(start);
    const timer = setInterval(() => socket.write(part), 20);
    socket.once('close', () => clearInterval(timer));
  }
});

describe('the body of an answer', () => {
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
    expect(await sender.send(request(partner.url))).toEqual({ kind: 'answered', status: 202 });
    await closed(partner.connections[0]);
  });
});

describe('a connection that was kept', () => {
  /** Answers the first request on each connection, and treats the second as told. */
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
  ])('and is %s as it is used again costs nothing: once more on a fresh one', async (_how, spoil) => {
    const partner = await partnerThatSpoilsReuse(spoil);
    expect(await sender.send(request(partner.url, { body: '"first"' }))).toEqual({ kind: 'answered', status: 200 });
    expect(await sender.send(request(partner.url, { body: '"second"' }))).toEqual({ kind: 'answered', status: 200 });
    const received = partner.received.map(({ body, connection }) => [body.toString(), connection]);
    expect(received).toEqual([
      ['"first"', 0],
      ['"second"', 0],
      ['"second"', 1],
    ]);
  });

  test('is followed by a fresh one, not by another that was kept as long', async () => {
    const partner = await partnerThatSpoilsReuse((socket) => socket.resetAndDestroy());
    await Promise.all([sender.send(request(partner.url)), sender.send(request(partner.url))]);
    expect(partner.connections).toHaveLength(2);
    expect(await sender.send(request(partner.url))).toEqual({ kind: 'answered', status: 200 });
    expect(partner.received.at(-1)?.connection).toBe(2);
  });

  test('is not tried a third time', async () => {
    let requests = 0;
    const partner = await partnerThat((answer) => {
      requests += 1;
      if (requests === 1) answer.end();
      else answer.socket?.resetAndDestroy();
    });
    await sender.send(request(partner.url));
    expect(await sender.send(request(partner.url))).toEqual({ kind: 'failed', code: 'ECONNRESET' });
    expect(requests).toBe(3);
  });

  test('shares its deadline with the second try', async () => {
    let requests = 0;
    const partner = await partnerThat((answer) => {
      requests += 1;
      if (requests === 1) answer.end();
      if (requests === 2) setTimeout(() => answer.socket?.resetAndDestroy(), 300);
    });
    await sender.send(request(partner.url));
    const { result, tookMs } = await timed(partner.url, 400);
    expect(requests).toBe(3);
    expect(result).toEqual({ kind: 'failed', code: 'TIMEOUT' });
    expect(tookMs).toBeLessThan(650);
  });

  test('and breaks off in its answer is not tried again: the partner had begun to answer', async () => {
    const partner = await partnerThatSpoilsReuse((socket) => {
      socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort');
    });
    await sender.send(request(partner.url));
    expect(await sender.send(request(partner.url))).toEqual({ kind: 'failed', code: 'ECONNRESET' });
    expect(partner.received).toHaveLength(2);
  });
});

describe('an address', () => {
  test('without TLS is forbidden where the stage does not allow it, and nothing is sent', async () => {
    const partner = await partnerThat((answer) => answer.end());
    const strict = createHttpsSender({ allowPlainHttp: false });
    const result = await strict.send(request(partner.url));
    expect(result).toEqual({ kind: 'failed', code: 'FORBIDDEN_URL' });
    expect(classify(result).verdict).toBe('dead');
    expect(partner.connections).toHaveLength(0);
  });

  test.each(['ftp://partner.example/', 'file:///etc/passwd', 'data:text/plain,x'])(
    '%s is forbidden everywhere',
    async (url) => {
      expect(await sender.send(request(url))).toEqual({ kind: 'failed', code: 'FORBIDDEN_URL' });
    },
  );

  test.each(['', 'partner.example', 'https://', 'https://[::1', 'https://partner.example:99999/', 'https://a b/'])(
    '%j is none',
    async (url) => {
      const result = await sender.send(request(url));
      expect(result).toEqual({ kind: 'failed', code: 'INVALID_URL' });
      expect(classify(result).verdict).toBe('dead');
    },
  );
});
