import type { IncomingMessage } from 'node:http';
import { afterAll, describe, expect, test } from '@jest/globals';
import { originHeaders } from '../../../local/http-api/cross-origin.ts';
import { startTokenIssuer } from '../../../local/http-api/token-issuer.ts';
import { lambdaFunction, type ResourceSource } from '../../support/assembly.ts';
import { runningPlatform, startRefused } from '../../support/running-platform.ts';

const AUDIENCE = 'lms';
const issuer = await startTokenIssuer({ audience: AUDIENCE });
const stranger = await startTokenIssuer({ audience: AUDIENCE });
const unsupported = await startTokenIssuer({ audience: AUDIENCE, algorithm: 'PS256' });

const API = { ApiId: { Ref: 'Api' } };
const ORIGIN = 'https://lms.example';

function route(key: string, functionId: string, more: object = {}): Record<string, ResourceSource> {
  const id = key.replace(/\W/g, '');
  return {
    [`${id}Integration`]: {
      Type: 'AWS::ApiGatewayV2::Integration',
      Properties: {
        ...API,
        IntegrationType: 'AWS_PROXY',
        PayloadFormatVersion: '2.0',
        IntegrationUri: { 'Fn::GetAtt': [functionId, 'Arn'] },
      },
    },
    [`${id}Route`]: {
      Type: 'AWS::ApiGatewayV2::Route',
      Properties: {
        ...API,
        RouteKey: key,
        Target: { 'Fn::Join': ['', ['integrations/', { Ref: `${id}Integration` }]] },
        ...more,
      },
    },
  };
}

function jwt(id: string, url: string): Record<string, ResourceSource> {
  const JwtConfiguration = { Issuer: url, Audience: [AUDIENCE, 'portal'] };
  return { [id]: { Type: 'AWS::ApiGatewayV2::Authorizer', Properties: { ...API, JwtConfiguration } } };
}

const CORS = { AllowOrigins: [ORIGIN], AllowMethods: ['GET'], AllowHeaders: ['authorization'], MaxAge: 3600 };
const api: ResourceSource = { Type: 'AWS::ApiGatewayV2::Api', Properties: { CorsConfiguration: CORS } };
const echo = {
  echo: `export const handler = async (event) => ({ statusCode: 203, headers: { 'X-Own': 'a' }, body: JSON.stringify(event) });`,
};

const platform = runningPlatform({
  modules: {
    ...echo,
    plain: `export const handler = async () => ({ plain: true });`,
    fail: `export const handler = async () => { throw new Error('no'); };`,
  },
  resources: {
    Api: api,
    Echo: lambdaFunction('echo'),
    Plain: lambdaFunction('plain'),
    Fail: lambdaFunction('fail'),
    Reserved: lambdaFunction('plain', { ReservedConcurrentExecutions: 0 }),
    ...route('GET /pets/{id}', 'Echo'),
    ...route('GET /pets/all', 'Plain'),
    ...route('POST /pets', 'Plain'),
    ...route('GET /fail', 'Fail'),
    ...route('GET /full', 'Reserved'),
    ...route('GET /signed', 'Echo', { AuthorizationType: 'AWS_IAM' }),
    ...route('GET /token', 'Echo', { AuthorizationType: 'JWT', AuthorizerId: { Ref: 'Tokens' } }),
    ...route('GET /pss', 'Echo', { AuthorizationType: 'JWT', AuthorizerId: { Ref: 'Pss' } }),
    ...jwt('Tokens', issuer.url),
    ...jwt('Pss', unsupported.url),
  },
  outputs: { Url: { Value: { 'Fn::GetAtt': ['Api', 'ApiEndpoint'] } } },
});
afterAll(() => Promise.all([issuer, stranger, unsupported].map((server) => server.close())));

async function ask(path: string, headers: Readonly<Record<string, string>> = {}, method = 'GET') {
  const answer = await fetch(`${platform().outputs.Url}${path}`, { method, headers });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
}

describe('a route', () => {
  test('gives its function the request in payload format 2.0, and its answer to the client', async () => {
    const { status, headers, body } = await ask('/pets/a%2Fb?x=1&x=2&y=%C3%A4');
    expect([status, headers.get('x-own')]).toEqual([203, 'a']);
    expect(body).toMatchObject({
      version: '2.0',
      routeKey: 'GET /pets/{id}',
      rawPath: '/pets/a%2Fb',
      rawQueryString: 'x=1&x=2&y=%C3%A4',
      queryStringParameters: { x: '1,2', y: 'ä' },
      pathParameters: { id: 'a/b' },
      headers: { host: new URL(String(platform().outputs.Url)).host },
      requestContext: { routeKey: 'GET /pets/{id}', stage: '$default', http: { method: 'GET', path: '/pets/a%2Fb' } },
      isBase64Encoded: false,
    });
    expect(body.requestContext).not.toHaveProperty('authorizer');
  });

  test('with the path letter by letter goes before one with a parameter; an answer without a status is all body', async () => {
    expect(await ask('/pets/all')).toMatchObject({ status: 200, body: { plain: true } });
  });

  test.each([
    ['another path', 'GET', '/cats'],
    ['HEAD, which GET does not include', 'HEAD', '/pets/7'],
    ['a parameter that is empty', 'GET', '/pets/'],
  ])('%s: 404', async (_, method, path) => {
    const { status, body } = await ask(path, {}, method);
    expect([status, body]).toEqual([404, method === 'HEAD' ? undefined : { message: 'Not Found' }]);
  });

  test.each([
    ['a parameter that is no encoded text', '/pets/%E0%A4', 400, 'Bad Request'],
    ['a function that fails', '/fail', 500, 'Internal Server Error'],
    ['a function without concurrency', '/full', 503, 'Service Unavailable'],
  ])('%s', async (_, path, status, message) => {
    expect(await ask(path)).toMatchObject({ status, body: { message } });
  });
});

describe('a route with IAM', () => {
  const parts = 'Credential=local/20260115/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date';

  test('accepts a signed request without verifying the signature', async () => {
    const answer = await ask('/signed', {
      authorization: `AWS4-HMAC-SHA256 ${parts}, Signature=${'0'.repeat(64)}`,
    });
    expect(answer).toMatchObject({ status: 203, body: { requestContext: { authorizer: { iam: {} } } } });
  });

  test.each([
    ['nothing', {}],
    ['half of a signature', { authorization: `AWS4-HMAC-SHA256 ${parts}` }],
  ])('refuses %s', async (_, headers) => {
    expect(await ask('/signed', headers)).toMatchObject({ status: 403, body: { message: 'Forbidden' } });
  });
});

describe('a route with a JWT authorizer', () => {
  const withToken = async (claims: Readonly<Record<string, unknown>>, path = '/token', from = issuer) =>
    ask(path, { authorization: `Bearer ${await from.token(claims)}` });
  const nowSeconds = Date.now() / 1000;

  test('takes a token of the issuer for one of its audiences, and passes the claims as strings to the function', async () => {
    const { status, body } = await withToken({ aud: ['other', 'portal'], groups: ['a', 'b'], admin: false });
    expect([status, body.requestContext.authorizer.jwt]).toEqual([
      203,
      {
        claims: expect.objectContaining({
          iss: issuer.url,
          aud: '[other portal]',
          sub: 'user-123',
          groups: '[a b]',
          admin: 'false',
        }),
        scopes: null,
      },
    ]);
  });

  test.each([
    ['expired', { exp: nowSeconds - 60 }],
    ['for another audience', { aud: 'other' }],
    ['without an audience', { aud: undefined }],
    ['of another issuer', { iss: stranger.url }],
    ['not yet valid', { nbf: nowSeconds + 600 }],
    ['issued in the future', { iat: nowSeconds + 600 }],
  ])('refuses a token %s', async (_, claims) => {
    expect(await withToken(claims)).toMatchObject({ status: 401, body: { message: 'Unauthorized' } });
  });

  test('refuses one signed with another’s key, or in a way that is not RSA’s plain one', async () => {
    expect((await withToken({ iss: issuer.url }, '/token', stranger)).status).toBe(401);
    expect((await withToken({}, '/pss', unsupported)).status).toBe(401);
  });

  test('refuses a request without a token', async () => {
    expect(await ask('/token')).toMatchObject({ status: 401, body: { message: 'Unauthorized' } });
  });
});

describe('a browser on another site', () => {
  const preflight = (origin: string) =>
    ask(
      '/token',
      { origin, 'access-control-request-method': 'GET', 'access-control-request-headers': 'authorization' },
      'OPTIONS',
    );

  test('gets a preflight response without a token', async () => {
    const { status, headers } = await preflight(ORIGIN);
    expect(status).toBe(204);
    expect(Object.fromEntries(headers)).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': 'GET',
      'access-control-allow-headers': 'authorization',
      'access-control-max-age': '3600',
    });
  });

  test('may read the answer, a refusal too', async () => {
    for (const path of ['/pets/all', '/token']) {
      expect((await ask(path, { origin: ORIGIN })).headers.get('access-control-allow-origin')).toBe(ORIGIN);
    }
  });

  test('of another origin gets no CORS headers', async () => {
    for (const { headers } of [await preflight('https://other.example'), await ask('/pets/all', { origin: 'null' })]) {
      expect([...headers.keys()].filter((name) => name.startsWith('access-control-'))).toEqual([]);
    }
  });
});

describe('what cannot run here ends the start', () => {
  test.each<[string, Record<string, ResourceSource>, RegExp]>([
    ['a route for everything', route('$default', 'Echo'), /has no route \$default/],
    [
      'another authorizer',
      route('GET /a', 'Echo', { AuthorizationType: 'CUSTOM' }),
      /no authorizer of the type CUSTOM/,
    ],
    ['scopes', route('GET /a', 'Echo', { AuthorizationScopes: ['read'] }), /scopes of routes/],
  ])('%s', async (_, resources, message) => {
    const all = { Api: api, Echo: lambdaFunction('echo'), ...resources };
    await expect(startRefused({ modules: echo, resources: all })).rejects.toThrow(message);
  });
});

test.each([
  ['http://*', 'http://127.0.0.1:5173', true],
  ['http://*', 'https://lms.example', false],
  ['https://lms.example', 'https://lms.example.evil', false],
])('an API that allows %s, and the origin %s: %p', (allowed, origin, isAllowed) => {
  const headers = originHeaders({ headers: { origin } } as IncomingMessage, { AllowOrigins: [allowed] });
  expect(headers).toEqual(isAllowed ? { 'access-control-allow-origin': origin } : {});
});
