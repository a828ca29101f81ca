import { randomUUID } from 'node:crypto';

/** OAuth2 client credentials of a partner, with the names of the integration's secret. */
export interface ClientCredentials {
  readonly client_id: string;
  readonly client_secret: string;
}

/** OAuth2 token endpoints of partners, like Percipio's: `POST /<integration id>/token`. */
export interface TokenServer {
  /** Undefined if the request is not for a token endpoint. */
  respond(method: string, path: string, body: string): { status: number; body: object } | undefined;
  /** Whether one of its partners rejects this `Authorization`. */
  refuses(integrationId: string, authorization: string | undefined): boolean;
}

/** @param clients by integration id */
export function createTokenServer(clients: ReadonlyMap<string, ClientCredentials>): TokenServer {
  const issued = new Map([...clients.keys()].map((id) => [id, new Set<string>()]));
  return {
    respond(method, path, body) {
      const id = /^\/([^/?]+)\/token$/.exec(path)?.[1] ?? '';
      const client = clients.get(id);
      if (client === undefined || method !== 'POST') return undefined;
      const { client_id, client_secret, grant_type } = parse(body);
      if (grant_type !== 'client_credentials') return { status: 400, body: { error: 'unsupported_grant_type' } };
      if (client_id !== client.client_id || client_secret !== client.client_secret) {
        return { status: 401, body: { error: 'invalid_client' } };
      }
      const token = randomUUID();
      issued.get(id)?.add(`Bearer ${token}`);
      return { status: 200, body: { access_token: token, token_type: 'Bearer', expires_in: 3600 } };
    },
    refuses: (id, authorization) => issued.has(id) && !issued.get(id)?.has(authorization ?? ''),
  };
}

function parse(body: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(body));
  } catch {
    return {};
  }
}
