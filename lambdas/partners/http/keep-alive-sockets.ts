import * as http from 'node:http';
import * as https from 'node:https';
import type { LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Target } from './target.ts';

/** Longer than this nobody keeps an idle connection for certain: load balancers and proxies close after 30 to 60 s. */
const IDLE_LIMIT_MS = 20_000;

/** Unused connections kept in one environment, over all origins. A function may hold 1,024 files open. */
const MAX_KEPT = 256;

/** Said aloud, so that neither Node's flags nor NODE_TLS_REJECT_UNAUTHORIZED weaken it. */
const TLS_OPTIONS = { minVersion: 'TLSv1.2', rejectUnauthorized: true } as const;

const AGENT_OPTIONS = { keepAlive: true, maxFreeSockets: MAX_KEPT, ...TLS_OPTIONS };

/**
 * The connections of one function environment, kept alive between requests. How long one was idle is measured by the
 * wall clock, when connections are wanted: in a frozen sandbox timers and the monotonic clock stand still, and what was
 * kept there for minutes looks as if it had been used just now.
 */
export class KeepAliveSockets {
  readonly #agents: Readonly<Record<Target['protocol'], http.Agent>>;
  readonly #nowMs: () => number;
  /** When each unused socket was last used, oldest first. */
  readonly #idleSinceMs = new Map<Duplex, number>();

  constructor(lookup: LookupFunction, nowMs: () => number) {
    const options = { ...AGENT_OPTIONS, lookup };
    this.#nowMs = nowMs;
    this.#agents = { 'https:': new https.Agent(options), 'http:': new http.Agent(options) };
    for (const agent of Object.values(this.#agents)) this.#watch(agent);
  }

  /** The agent to give a request to now; none of its unused sockets has been idle for over 20 s. */
  agentFor({ protocol }: Target): http.Agent {
    const idleBeforeMs = this.#nowMs() - IDLE_LIMIT_MS;
    for (const [socket, sinceMs] of this.#idleSinceMs) {
      if (sinceMs >= idleBeforeMs) break;
      this.#discard(socket);
    }
    return this.#agents[protocol];
  }

  /** Closes the unused sockets of an origin: the next request to it opens a fresh one. */
  discardAll({ protocol, options }: Target): void {
    const agent = this.#agents[protocol];
    const name = agent.getName({ ...options, ...AGENT_OPTIONS });
    for (const socket of [...(agent.freeSockets[name] ?? [])]) this.#discard(socket);
  }

  #watch(agent: http.Agent): void {
    const keep = agent.keepSocketAlive.bind(agent);
    const reuse = agent.reuseSocket.bind(agent);
    agent.keepSocketAlive = (socket) => {
      // Beyond its type it says whether the partner announced a time that makes keeping worthwhile.
      const isKept = keep(socket);
      for (const oldest of this.#idleSinceMs.keys()) {
        if (this.#idleSinceMs.size < MAX_KEPT) break;
        this.#discard(oldest);
      }
      this.#idleSinceMs.set(socket, this.#nowMs());
      return isKept;
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
