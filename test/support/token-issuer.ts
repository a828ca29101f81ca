import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** For whom its tokens usually are. */
export const AUDIENCE = 'lms';

/** An identity provider on a socket: its discovery document, its keys, and tokens signed with them. */
export interface TokenIssuer {
  /** The `iss` of its tokens. */
  readonly url: string;
  /** A token for ten minutes, with these claims in place of the usual ones; `undefined` leaves one out. */
  token(claims?: Readonly<Record<string, unknown>>): Promise<string>;
  close(): Promise<void>;
}

export async function startTokenIssuer(alg: 'RS256' | 'PS256' = 'RS256'): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair(alg);
  const key = { ...(await exportJWK(publicKey)), alg, use: 'sig', kid: 'one' };
  const server = createServer((request, response) => {
    const documents: Readonly<Record<string, object>> = {
      '/.well-known/openid-configuration': { issuer: url, jwks_uri: `${url}/keys` },
      '/keys': { keys: [key] },
    };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(documents[request.url ?? ''] ?? {}));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url,
    token(claims = {}) {
      const nowSeconds = Math.floor(Date.now() / 1000);
      const usual = { iss: url, aud: AUDIENCE, sub: 'user-123', iat: nowSeconds, exp: nowSeconds + 600 };
      return new SignJWT({ ...usual, ...claims }).setProtectedHeader({ alg, kid: 'one' }).sign(privateKey);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
