import { randomUUID } from 'node:crypto';

/** Role and warehouse of a session, in capitals; null for none. */
export interface SessionContext {
  readonly role: string | null;
  readonly warehouse: string | null;
}

/** The sessions of a server: a session token for statements, a master token to renew it. */
export class Sessions {
  readonly #masterOf = new Map<string, string>();
  readonly #expired = new Set<string>();
  readonly #masters = new Map<string, SessionContext>();
  #nextId = 1;

  open(context: SessionContext) {
    const token = randomUUID();
    const masterToken = randomUUID();
    this.#masters.set(masterToken, context);
    this.#masterOf.set(token, masterToken);
    return { token, masterToken, sessionId: this.#nextId++ };
  }

  /** A new session token for a master token; undefined if that is unknown. */
  renew(masterToken: string): { sessionToken: string } | undefined {
    if (!this.#masters.has(masterToken)) return undefined;
    const sessionToken = randomUUID();
    this.#masterOf.set(sessionToken, masterToken);
    return { sessionToken };
  }

  /** The context of a session, or the error code for its token. `390112`: renew it; `390111`: log in again. */
  find(token: string): SessionContext | '390112' | '390111' {
    const context = this.#masters.get(this.#masterOf.get(token) ?? '');
    if (context === undefined) return '390111';
    return this.#expired.has(token) ? '390112' : context;
  }

  close(token: string): void {
    this.#masters.delete(this.#masterOf.get(token) ?? '');
  }

  /** Expires all session tokens; master tokens stay valid. */
  expireAll(): void {
    for (const token of this.#masterOf.keys()) this.#expired.add(token);
  }

  endAll(): void {
    this.#masters.clear();
  }

  count(): number {
    return this.#masters.size;
  }
}
