import { randomUUID } from 'node:crypto';

/** The result for a session token. `390112`: renew it; `390111`: log in again. */
export type TokenState = 'valid' | '390112' | '390111';

/** Role and warehouse of a session, in capitals; null for none. */
export interface SessionContext {
  readonly role: string | null;
  readonly warehouse: string | null;
}

/** The sessions of a server: a session token for statements, a master token to renew it. */
export interface Sessions {
  open(context: SessionContext): { token: string; masterToken: string; sessionId: number };
  /** A new session token for a master token; undefined if that is unknown. */
  renew(masterToken: string | undefined): { sessionToken: string } | undefined;
  stateOf(token: string | undefined): TokenState;
  /** The context of a session that is valid or can be renewed. */
  contextOf(token: string | undefined): SessionContext | undefined;
  close(token: string | undefined): void;
  /** Expires all session tokens; master tokens stay valid. */
  expireAll(): void;
  endAll(): void;
  count(): number;
}

export function createSessions(): Sessions {
  const masterOf = new Map<string, string>();
  const expired = new Set<string>();
  const masters = new Map<string, SessionContext>();
  let nextId = 1;
  return {
    open(context) {
      const token = randomUUID();
      const masterToken = randomUUID();
      masters.set(masterToken, context);
      masterOf.set(token, masterToken);
      return { token, masterToken, sessionId: nextId++ };
    },
    renew(masterToken) {
      if (masterToken === undefined || !masters.has(masterToken)) return undefined;
      const sessionToken = randomUUID();
      masterOf.set(sessionToken, masterToken);
      return { sessionToken };
    },
    stateOf(token) {
      const master = token === undefined ? undefined : masterOf.get(token);
      if (token === undefined || master === undefined || !masters.has(master)) return '390111';
      return expired.has(token) ? '390112' : 'valid';
    },
    contextOf(token) {
      const master = token === undefined ? undefined : masterOf.get(token);
      return master === undefined ? undefined : masters.get(master);
    },
    close(token) {
      const master = token === undefined ? undefined : masterOf.get(token);
      if (master !== undefined) masters.delete(master);
    },
    expireAll() {
      for (const token of masterOf.keys()) expired.add(token);
    },
    endAll: () => masters.clear(),
    count: () => masters.size,
  };
}
