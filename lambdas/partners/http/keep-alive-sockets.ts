import * as http from 'node:http';
import * as https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import type { ClientCertificate } from '../client-certificate.ts';
import type { Target } from './target.ts';

/** Load balancers and proxies close idle connections after 30 to 60 s; ours are closed before. */
const IDLE_LIMIT_MS = 20_000;

/** Idle connections in one environment, over all origins. Lambda allows 1,024 open files. */
const MAX_IDLE = 256;

/** Agents with a client certificate: each has a TLS context of some 50 KB, and up to 100 TLS sessions. */
const MAX_CERTIFICATE_AGENTS = 100;

/** Explicit, so that neither Node's flags nor NODE_TLS_REJECT_UNAUTHORIZED can weaken it. */
const TLS_OPTIONS = { minVersion: 'TLSv1.2', rejectUnauthorized: true } as const;

const AGENT_OPTIONS = { keepAlive: true, maxFreeSockets: MAX_IDLE, ...TLS_OPTIONS };

/**
 * The keep-alive connections of one execution environment. Their idle time is measured by the wall clock, before each
 * request: while the environment is frozen, timers and the monotonic clock stand still, and a connection that was idle for
 * minutes would look as if it had just been used.
 */
export class KeepAliveSockets {
  readonly #agents: Readonly<Record<Target['protocol'], http.Agent>>;
  /** One per client certificate, so that none shares connections or TLS sessions; the most recently used is the last. */
  readonly #certificateAgents = new Map<string, https.Agent>();
  readonly #options: https.AgentOptions;
  readonly #nowMs: () => number;
  /** When each idle socket was last used, oldest first. */
  readonly #idleSinceMs = new Map<Duplex, number>();

  constructor(lookup: LookupFunction, nowMs: () => number) {
    this.#options = { ...AGENT_OPTIONS, lookup };
    this.#nowMs = nowMs;
    this.#agents = { 'https:': new https.Agent(this.#options), 'http:': new http.Agent(this.#options) };
    for (const agent of Object.values(this.#agents)) this.#watch(agent);
  }

  /** The agent for a request that starts now. None of its sockets has been idle for over 20 s. */
  agentFor({ protocol }: Target, certificate?: ClientCertificate): http.Agent {
    const idleBeforeMs = this.#nowMs() - IDLE_LIMIT_MS;
    for (const [socket, sinceMs] of this.#idleSinceMs) {
      if (sinceMs >= idleBeforeMs) break;
      this.#discard(socket);
    }
    return this.#agentOf(protocol, certificate);
  }

  /** Closes the idle sockets of an origin: the next request to it opens a new one. */
  discardAll({ protocol, options }: Target, certificate?: ClientCertificate): void {
    const agent = this.#agentOf(protocol, certificate);
    const name = agent.getName({ ...options, ...AGENT_OPTIONS });
    for (const socket of [...(agent.freeSockets[name] ?? [])]) this.#discard(socket);
  }

  #agentOf(protocol: Target['protocol'], certificate: ClientCertificate | undefined): http.Agent {
    if (certificate === undefined || protocol === 'http:') return this.#agents[protocol];
    const { id, chain: cert, key } = certificate;
    let agent = this.#certificateAgents.get(id);
    if (agent === undefined) {
      // A context of its own: Node would parse certificate and key again for each connection.
      const secureContext = createSecureContext({ ...TLS_OPTIONS, cert, key });
      agent = new https.Agent({ ...this.#options, secureContext });
      this.#watch(agent);
      const [[oldestId, oldest] = []] = this.#certificateAgents;
      if (oldest !== undefined && oldestId !== undefined && this.#certificateAgents.size >= MAX_CERTIFICATE_AGENTS) {
        this.#certificateAgents.delete(oldestId);
        this.#retire(oldest);
      }
    } else this.#certificateAgents.delete(id);
    this.#certificateAgents.set(id, agent);
    return agent;
  }

  /** Closes an agent's idle sockets, and the others at the end of their request: `destroy` would interrupt it. */
  #retire(agent: https.Agent): void {
    agent.maxFreeSockets = 0;
    for (const socket of Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? [])) this.#discard(socket);
  }

  #watch(agent: http.Agent): void {
    const keep = agent.keepSocketAlive.bind(agent);
    const reuse = agent.reuseSocket.bind(agent);
    agent.keepSocketAlive = (socket) => {
      // Undocumented: returns false if the partner's `Keep-Alive` timeout is too short to reuse the socket.
      const isReusable = keep(socket);
      for (const oldest of this.#idleSinceMs.keys()) {
        if (this.#idleSinceMs.size < MAX_IDLE) break;
        this.#discard(oldest);
      }
      this.#idleSinceMs.set(socket, this.#nowMs());
      return isReusable;
    };
    agent.reuseSocket = (socket, request) => {
      this.#idleSinceMs.delete(socket);
      reuse(socket, request);
    };
  }

  #discard(socket: Duplex): void {
    this.#idleSinceMs.delete(socket);
    socket.destroy();
  }
}
