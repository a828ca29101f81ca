import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type HttpServer, startHttpServer } from '../http-server.ts';

/** Validity of a token, in seconds. */
const LIFE_SECONDS = 600;

export interface TokenIssuerOptions {
  /** The `iss` of its tokens. Default: its address. */
  readonly issuer?: string;
  /** The `aud` of its tokens. */
  readonly audience: string;
  readonly algorithm?: 'RS256' | 'PS256';
}

/** An identity provider on 127.0.0.1: its discovery document, its keys, and tokens signed with them. */
export interface TokenIssuer extends Pick<HttpServer, 'url' | 'close'> {
  /** A token for ten minutes; these claims replace the defaults, and `undefined` removes one. */
  token(claims?: Readonly<Record<string, unknown>>): Promise<string>;
}

/**
 * Starts an issuer on a free port. `GET /token?enterprise_customer_uuid=…` returns a token with the query's parameters as
 * claims to every caller, since every local process is authorized.
 */
export async function startTokenIssuer(options: TokenIssuerOptions): Promise<TokenIssuer> {
  const { audience, algorithm = 'RS256' } = options;
  let pair: ReturnType<typeof generateKeyPair> | undefined;
  // Generated on first use, since it takes longer than the rest of the start.
  const keys = () => (pair ??= generateKeyPair(algorithm));
  const { url, close } = await startHttpServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    const send = (status: number, type: string, body: string) => {
      response.writeHead(status, { 'content-type': type, 'access-control-allow-origin': '*' }).end(body);
    };
    documentOf(pathname, searchParams).then(
      (text) => (text === undefined ? send(404, 'text/plain', 'not found') : send(200, ...text)),
      () => send(500, 'text/plain', 'failed'),
    );
  });
  const issuer = options.issuer ?? url;

  async function documentOf(path: string, query: URLSearchParams): Promise<[type: string, text: string] | undefined> {
    if (path === '/.well-known/openid-configuration') {
      return ['application/json', JSON.stringify({ issuer, jwks_uri: `${url}/keys` })];
    }
    if (path === '/keys') {
      const { publicKey } = await keys();
      const key = { ...(await exportJWK(publicKey)), alg: algorithm, use: 'sig', kid: 'one' };
      return ['application/json', JSON.stringify({ keys: [key] })];
    }
    return path === '/token' ? ['text/plain', await token(Object.fromEntries(query))] : undefined;
  }

  async function token(claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
    const { privateKey } = await keys();
    const nowSeconds = Math.floor(Date.now() / 1000);
    const usual = { iss: issuer, aud: audience, sub: 'user-123', iat: nowSeconds, exp: nowSeconds + LIFE_SECONDS };
    const header = { alg: algorithm, kid: 'one' };
    return new SignJWT({ ...usual, ...claims }).setProtectedHeader(header).sign(privateKey);
  }

  return { url, token, close };
}
