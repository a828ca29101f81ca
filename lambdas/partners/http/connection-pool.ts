import * as net from 'node:net';
import * as tls from 'node:tls';
import type { ClientCertificate } from '../client-certificate.ts';
import type { AddressGuard } from './address-guard.ts';
import { forbiddenAddress, timePerAddressMs } from './guarded-lookup.ts';
import type { Target } from './target.ts';

/** Load balancers and proxies close idle connections after 30 to 60 s; ours are closed before. */
const IDLE_LIMIT_MS = 20_000;

/** Idle connections in one environment, over all origins. Lambda allows 1,024 open files. */
const MAX_IDLE = 256;

/** TLS sessions that are stored to shorten the next handshake, one per origin and client certificate; some KB each. */
const MAX_SESSIONS = 100;

/** TLS contexts with a client certificate, of an estimated 50 KB each. */
const MAX_CONTEXTS = 100;

/** Explicit, so that neither Node's flags nor NODE_TLS_REJECT_UNAUTHORIZED can weaken it. */
const TLS_OPTIONS = { minVersion: 'TLSv1.2', rejectUnauthorized: true } as const;

/** As Node's agents: no delay for small packets, and TCP probes from 1 s on. */
const SOCKET_OPTIONS = { noDelay: true, keepAlive: true, keepAliveInitialDelay: 1_000 };

/** A connection to an origin. One request at a time uses it. */
export interface Connection {
  /** The requests that may use it, and its TLS session: `keyOf`. */
  readonly key: string;
  readonly socket: net.Socket;
  /** Whether an earlier request used it. */
  isReused: boolean;
  /** Called with each packet before Node's parser has it. An idle connection is closed: what it receives is no response. */
  receive: (packet: Buffer) => void;
}

export interface ConnectionPoolOptions {
  /** Returns permitted addresses only. */
  readonly lookup: net.LookupFunction;
  /** Checks the address of each new connection, whatever the lookup returned. */
  readonly isAllowed: AddressGuard;
  /** The wall clock, in milliseconds. */
  readonly nowMs: () => number;
}

/**
 * The keep-alive connections of one execution environment. Their idle time is measured by the wall clock, before each
 * request: while the environment is frozen, timers and the monotonic clock stand still, and a connection that was idle for
 * minutes would look as if it had just been used.
 *
 * Not Node's `Agent`, which takes half as much CPU again for each request (docs/decisions/0030-connection-pool.md).
 */
export class ConnectionPool {
  readonly #options: ConnectionPoolOptions;
  /** When each idle connection was last used, oldest first. */
  readonly #idleSinceMs = new Map<Connection, number>();
  /** Idle connections by key; the one that was used last is the last. */
  readonly #idle = new Map<string, Connection[]>();
  /** The latest TLS session of each key. */
  readonly #sessions = new Map<string, Buffer>();
  /** By the certificate's id; the one that was used last is the last. Node would parse certificate and key for each connection. */
  readonly #contexts = new Map<string, tls.SecureContext>();

  constructor(options: ConnectionPoolOptions) {
    this.#options = options;
  }

  /**
   * The idle connection that was used last, at most 20 s ago; else a new one, which is still connecting. Requests with another
   * client certificate, or with none, never share one, nor a TLS session.
   *
   * @param leftMs the request's remaining time, in milliseconds
   */
  take(target: Target, leftMs: number, certificate?: ClientCertificate): Connection {
    const idleBeforeMs = this.#options.nowMs() - IDLE_LIMIT_MS;
    for (const [connection, sinceMs] of this.#idleSinceMs) {
      if (sinceMs >= idleBeforeMs) break;
      this.#discard(connection);
    }
    const key = keyOf(target, certificate);
    const others = this.#idle.get(key);
    const idle = others?.pop();
    if (idle === undefined) return this.#connect(key, target, leftMs, certificate);
    if (others?.length === 0) this.#idle.delete(key);
    this.#idleSinceMs.delete(idle);
    idle.isReused = true;
    idle.socket.ref();
    return idle;
  }

  /** Keeps a connection for the next request to its origin, unless it is closed. Its response must have ended. */
  release(connection: Connection): void {
    const { socket, key } = connection;
    if (socket.destroyed) return;
    for (const oldest of this.#idleSinceMs.keys()) {
      if (this.#idleSinceMs.size < MAX_IDLE) break;
      this.#discard(oldest);
    }
    connection.receive = () => socket.destroy();
    // An idle connection must not keep a process running.
    socket.unref();
    this.#idleSinceMs.set(connection, this.#options.nowMs());
    const idle = this.#idle.get(key);
    if (idle === undefined) this.#idle.set(key, [connection]);
    else idle.push(connection);
  }

  /** Closes the idle connections to an origin: the next request to it with this certificate opens a new one. */
  discardAll(target: Target, certificate?: ClientCertificate): void {
    for (const connection of this.#idle.get(keyOf(target, certificate))?.slice() ?? []) this.#discard(connection);
  }

  #discard(connection: Connection): void {
    connection.socket.destroy();
    this.#forget(connection);
  }

  #forget(connection: Connection): void {
    if (!this.#idleSinceMs.delete(connection)) return;
    const { key } = connection;
    const others = this.#idle.get(key)?.filter((idle) => idle !== connection) ?? [];
    if (others.length === 0) this.#idle.delete(key);
    else this.#idle.set(key, others);
  }

  #connect(key: string, target: Target, leftMs: number, certificate?: ClientCertificate): Connection {
    const { lookup, isAllowed } = this.#options;
    const { protocol } = target;
    const { host, port, servername } = target.options;
    // Node's default of 250 ms is less than an intercontinental round trip with one lost packet.
    const autoSelectFamilyAttemptTimeout = timePerAddressMs(leftMs);
    const options = { ...SOCKET_OPTIONS, host, port, lookup, autoSelectFamilyAttemptTimeout };
    const secureContext = certificate && this.#contextOf(certificate);
    const socket =
      protocol === 'http:' ? net.connect(options) : this.#connectTls(key, { ...options, servername, secureContext });
    const connection: Connection = { key, socket, isReused: false, receive: () => {} };
    // The lookup has filtered the addresses. This check does not depend on how Node connects.
    socket.once('connect', () => {
      const { remoteAddress } = socket;
      // Without an address the connection is already closed, and reports that itself.
      if (remoteAddress !== undefined && !isAllowed(remoteAddress)) socket.destroy(forbiddenAddress());
    });
    socket.on('data', (packet: Buffer) => connection.receive(packet));
    // Node's request has its own listener, and none is there while the connection is idle.
    socket.on('error', () => {});
    socket.on('close', () => this.#forget(connection));
    return connection;
  }

  #connectTls(key: string, options: tls.ConnectionOptions): tls.TLSSocket {
    const session = this.#sessions.get(key);
    const socket = tls.connect({ ...options, ...TLS_OPTIONS, ...(session && { session }) });
    socket.on('session', (latest) => {
      const [oldest] = this.#sessions.keys();
      if (oldest !== undefined && this.#sessions.size >= MAX_SESSIONS) this.#sessions.delete(oldest);
      this.#sessions.set(key, latest);
    });
    // The server may have refused the session.
    socket.once('close', (hadError) => hadError && this.#sessions.delete(key));
    return socket;
  }

  #contextOf({ id, chain: cert, key }: ClientCertificate): tls.SecureContext {
    const context = this.#contexts.get(id) ?? tls.createSecureContext({ ...TLS_OPTIONS, cert, key });
    this.#contexts.delete(id);
    this.#contexts.set(id, context);
    const [oldest] = this.#contexts.keys();
    if (oldest !== undefined && this.#contexts.size > MAX_CONTEXTS) this.#contexts.delete(oldest);
    return context;
  }
}

/** An origin has no space, so no certificate's id makes it another one's. */
function keyOf({ origin }: Target, certificate: ClientCertificate | undefined): string {
  return certificate === undefined ? origin : `${origin} ${certificate.id}`;
}
