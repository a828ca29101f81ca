import * as https from 'node:https';
import type { Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ClientCertificate, clientCertificateOf } from '../../../lambdas/partners/client-certificate.ts';
import { createHttpsSender } from '../../../lambdas/partners/http/sender.ts';
import type { SendResult } from '../../../lambdas/partners/webhook-sender.ts';
import { listen } from '../../../local/http-server.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { NOW } from '../../support/factories.ts';
import { TO_LOCAL_PARTNERS } from '../../support/partner-server.ts';
import { TEST_ONLY_AUTHORITY, TEST_ONLY_SIGNED } from '../../support/test-only-authority.ts';
import { TEST_ONLY_KEY } from '../../support/test-only-certificate.ts';
import {
  ACME_CERTIFICATE,
  ACME_KEY,
  CLIENT_ISSUER,
  CLIENT_ROOT,
  GLOBEX_CERTIFICATE,
  GLOBEX_KEY,
  NEXT_CERTIFICATE,
  NEXT_KEY,
} from '../../support/test-only-client-certificates.ts';

const before = getCACertificates('default');
beforeAll(() => setDefaultCACertificates([...before, TEST_ONLY_AUTHORITY]));
afterAll(() => setDefaultCACertificates(before));

/** As the secret of an integration has it. */
function certificateOf(id: string, own: string, key: string): ClientCertificate {
  const fields = { client_certificate: `${own}\n${CLIENT_ISSUER}`, client_key: key };
  return clientCertificateOf(id, fields, 'current') as ClientCertificate;
}
const ACME = certificateOf('acme', ACME_CERTIFICATE, ACME_KEY);
const GLOBEX = certificateOf('globex', GLOBEX_CERTIFICATE, GLOBEX_KEY);

const keep = closedAfterEach();

interface Peer {
  /** The common name of the client's certificate; undefined if it presented none. */
  readonly name: string | undefined;
  readonly isResumed: boolean;
}

/** A partner that asks for a client certificate of our root, with what it saw of each connection and of each request. */
async function startPartner(options: https.ServerOptions = {}) {
  const sockets: TLSSocket[] = [];
  const connections: Peer[] = [];
  const requests: (string | undefined)[] = [];
  const names = new Map<Socket, string | undefined>();
  const server = https.createServer({
    ...{ cert: TEST_ONLY_SIGNED, key: TEST_ONLY_KEY, ca: CLIENT_ROOT, requestCert: true, keepAliveTimeout: 0 },
    ...options,
  });
  server.on('secureConnection', (socket) => {
    const name = socket.getPeerCertificate().subject?.CN as string | undefined;
    names.set(socket, name);
    sockets.push(socket);
    connections.push({ name, isResumed: socket.isSessionReused() });
  });
  server.on('request', ({ socket }, response) => {
    requests.push(names.get(socket));
    response.end();
  });
  return { server, sockets, connections, requests, ...(await keep(listen(server, 0, 'https'))) };
}

/** A sender on a wall clock that the test sets. */
function startSender({ port }: { readonly port: number }) {
  const clock = { nowMs: NOW };
  const sender = createHttpsSender({ ...TO_LOCAL_PARTNERS, now: () => clock.nowMs });
  const request = { url: `https://localhost:${port}/hooks`, headers: {}, body: '{}' };
  return {
    clock,
    async send(clientCertificate?: ClientCertificate, timeoutMs = 5_000): Promise<SendResult> {
      const result = await sender.send({ ...request, timeoutMs, ...(clientCertificate && { clientCertificate }) });
      const { timings: _, ...rest } = result;
      return rest;
    },
  };
}

const OK = { kind: 'responded', status: 200 };
const OVER_IDLE_LIMIT_MS = 20_001;

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('%s: a client certificate', (maxVersion) => {
  test('is presented with its issuer, on a connection that is used again', async () => {
    const partner = await startPartner({ maxVersion });
    const { send } = startSender(partner);
    expect([await send(ACME), await send(ACME)]).toEqual([OK, OK]);
    expect(partner.connections).toEqual([{ name: 'acme', isResumed: false }]);
  });

  test('shares no connection and no TLS session with another one, nor with none, of the same origin', async () => {
    const partner = await startPartner({ maxVersion, rejectUnauthorized: false });
    const { send, clock } = startSender(partner);
    // Another integration with the same pair, and the pair that acme's secret has next.
    const twin = certificateOf('twin', ACME_CERTIFICATE, ACME_KEY);
    const next = certificateOf('acme', NEXT_CERTIFICATE, NEXT_KEY);
    const all = [ACME, undefined, GLOBEX, twin, next];
    const names = ['acme', undefined, 'globex', 'acme', 'next'];
    for (const certificate of [...all, ...all]) expect(await send(certificate)).toEqual(OK);
    expect(partner.connections).toEqual(names.map((name) => ({ name, isResumed: false })));
    expect(partner.requests).toEqual([...names, ...names]);
    // Each resumes its own session on its next connection, with its own identity.
    clock.nowMs += OVER_IDLE_LIMIT_MS;
    for (const certificate of [...all].reverse()) expect(await send(certificate)).toEqual(OK);
    expect(partner.connections.slice(all.length)).toEqual(
      names.toReversed().map((name) => ({ name, isResumed: true })),
    );
  });

  test('is presented again on reconnect: after a stale socket, and when its TLS session is refused', async () => {
    const partner = await startPartner({ maxVersion });
    const { send, clock } = startSender(partner);
    await Promise.all([send(ACME), send(ACME)]);
    // The partner closes each of these connections when another request arrives on it.
    const stale = new Set<Socket>(partner.sockets);
    partner.server.prependListener('request', ({ socket }) => stale.has(socket) && socket.destroy());
    expect(await send(ACME)).toEqual(OK);
    // With new ticket keys the server cannot read the session's ticket: a full handshake.
    clock.nowMs += OVER_IDLE_LIMIT_MS;
    partner.server.setTicketKeys(Buffer.alloc(48, 1));
    expect(await send(ACME)).toEqual(OK);
    const resumed = [false, false, true, false];
    expect(partner.connections).toEqual(resumed.map((isResumed) => ({ name: 'acme', isResumed })));
  });
});

/** As many TLS contexts and sessions as a sender stores. */
const MAX_STORED = 100;

test('of over 100 certificates the oldest session is dropped, and each is presented again', async () => {
  const partner = await startPartner();
  const { send, clock } = startSender(partner);
  const ids = Array.from({ length: MAX_STORED + 1 }, (_, index) => `integration-${index}`);
  const sendAs = (id = '') => send({ ...ACME, id });
  for (const id of ids) expect(await sendAs(id)).toEqual(OK);
  clock.nowMs += OVER_IDLE_LIMIT_MS;
  expect([await sendAs(ids.at(-1)), await sendAs(ids[0])]).toEqual([OK, OK]);
  const resumed = [true, false];
  expect(partner.connections.slice(ids.length)).toEqual(resumed.map((isResumed) => ({ name: 'acme', isResumed })));
});
