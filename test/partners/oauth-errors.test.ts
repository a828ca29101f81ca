import { describe, expect, test } from '@jest/globals';
import { type OAuthError, oauthErrorOf, settingToTry, type TokenSetting } from '../../lambdas/partners/oauth-errors.ts';

test.each(['invalid_client', 'Invalid_Client', 'hunter2', '', 5, null, undefined, ['invalid_client'], {}])(
  'only a code of the closed list is an error: %j',
  (value) => expect(oauthErrorOf(value)).toBe(value === 'invalid_client' ? value : undefined),
);

const FORM = { name: 'token_request', value: 'form' } as const;
const JSON_BODY = { name: 'token_request', value: 'json' } as const;
const BASIC = { name: 'client_authentication', value: 'basic' } as const;
const BODY = { name: 'client_authentication', value: 'body' } as const;

type Row = [status: number, error: OAuthError | undefined, TokenSetting | undefined];

/** Responses to a request of that form, and the setting to try. */
const ROWS: Readonly<Record<string, readonly Row[]>> = {
  'json body': [
    // Keycloak, Spring and others that parse forms only.
    [415, undefined, FORM],
    [400, 'invalid_request', FORM],
    [400, 'unsupported_grant_type', FORM],
    [401, 'invalid_client', FORM],
    [400, undefined, FORM],
    [401, undefined, FORM],
    [200, 'invalid_client', FORM],
    [400, 'invalid_scope', undefined],
    [403, 'access_denied', undefined],
    [403, undefined, undefined],
    [503, undefined, undefined],
    [400, 'temporarily_unavailable', undefined],
  ],
  'json basic': [
    [415, undefined, FORM],
    [401, 'invalid_client', FORM],
  ],
  'form body': [
    [415, undefined, JSON_BODY],
    // Percipio, and other servers that read JSON only.
    [400, 'unsupported_grant_type', JSON_BODY],
    [401, 'invalid_client', BASIC],
    [401, undefined, BASIC],
    [400, undefined, JSON_BODY],
    [400, 'invalid_request', JSON_BODY],
    [400, 'invalid_scope', undefined],
  ],
  'form basic': [
    [415, undefined, JSON_BODY],
    [401, 'invalid_client', BODY],
    [400, 'invalid_request', BODY],
    [400, undefined, BODY],
    [400, 'invalid_scope', undefined],
    [400, 'unsupported_grant_type', JSON_BODY],
  ],
};

describe.each(Object.entries(ROWS))('the setting to try after a request of the form %s', (form, rows) => {
  const [request, authentication] = form.split(' ') as ['json' | 'form', 'body' | 'basic'];

  test.each(rows)('that is refused with %i %s is %j', (status, error, expected) => {
    expect(settingToTry({ request, authentication }, status, error)).toEqual(expected);
  });
});
