import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createHttpsSender } from '../../lambdas/partners/http/sender.ts';
import { settingToTry, type TokenRequestForm } from '../../lambdas/partners/oauth-errors.ts';
import { createTokenSource, type OAuthClient } from '../../lambdas/partners/oauth-tokens.ts';
import { TO_LOCAL_PARTNERS } from '../support/partner-server.ts';
import { describeWithClient, startClient } from '../support/real-clients.ts';

const SERVERS = fileURLToPath(new URL('./token_servers.py', import.meta.url));

/** As in token_servers.py. */
const SECRET = 'a+b/c==&d=:"~*% x';
const IN_BODY = { clientId: 'in the body', clientSecret: SECRET };
const IN_HEADER = { clientId: 'in: a header+%', clientSecret: SECRET };

const JSON_BODY: TokenRequestForm = { request: 'json', authentication: 'body' };
const FORM_BODY: TokenRequestForm = { request: 'form', authentication: 'body' };
const FORM_BASIC: TokenRequestForm = { request: 'form', authentication: 'basic' };

describe.each(['authlib', 'oauthlib'] as const)('the token server of %s', (library) => {
  describeWithClient(library, 'gives a token', (python) => {
    let tokenUrl = '';
    let stop = async () => {};
    beforeAll(async () => {
      const child = startClient(python, [SERVERS, library]);
      const ended = new Promise((resolve) => child.once('close', resolve));
      stop = async () => {
        child.stdin.end();
        await ended;
      };
      const { value: port } = await createInterface(child.stdout)[Symbol.asyncIterator]().next();
      tokenUrl = `http://127.0.0.1:${port}/token`;
    });
    afterAll(() => stop());

    /** The token, or the error of the refusal. */
    async function ask(client: Omit<OAuthClient, 'tokenUrl'>) {
      const source = createTokenSource({ sender: createHttpsSender(TO_LOCAL_PARTNERS) });
      const response = await source.token({ ...client, tokenUrl }, 10_000);
      if (response.kind === 'token') return response.token;
      const { result, error } = response;
      return { status: result.kind === 'responded' ? result.status : 0, error };
    }

    test.each([
      ['in the body of a form', { ...FORM_BODY, ...IN_BODY, scope: 'api read' }],
      ['in a Basic header', { ...FORM_BASIC, ...IN_HEADER, scope: '' }],
    ])('to a client whose id and secret are %s', async (_what, client) => {
      expect(await ask(client)).toBe(`token-of-${library}`);
    });

    test.each([
      ['another secret', { ...FORM_BODY, ...IN_BODY, scope: 'api', clientSecret: 'other' }, 'invalid_client'],
      ['another secret in the header', { ...FORM_BASIC, ...IN_HEADER, scope: '', clientSecret: 'o' }, 'invalid_client'],
      ['an unknown client', { ...FORM_BODY, ...IN_BODY, scope: 'api', clientId: 'unknown' }, 'invalid_client'],
      ['a scope that it does not know', { ...FORM_BODY, ...IN_BODY, scope: 'write' }, 'invalid_scope'],
    ])('not to %s, and its error is read', async (_what, client, error) => {
      expect(await ask(client)).toEqual({ status: expect.any(Number), error });
    });

    test.each([
      ['in the body', IN_BODY, [FORM_BODY]],
      ['in a Basic header', IN_HEADER, [FORM_BODY, FORM_BASIC]],
    ])('to a client that begins with the defaults and tries what is named, %s', async (_what, client, expected) => {
      let form = JSON_BODY;
      const tried: TokenRequestForm[] = [];
      for (;;) {
        const answer = await ask({ ...form, ...client, scope: 'api' });
        if (typeof answer === 'string') break;
        const setting = settingToTry(form, answer.status, answer.error);
        if (setting === undefined || tried.length > 3) throw new Error(`no token, and no setting: ${answer.error}`);
        const key = setting.name === 'token_request' ? 'request' : 'authentication';
        form = { ...form, [key]: setting.value };
        tried.push(form);
      }
      expect(tried).toEqual(expected);
    });
  });
});
