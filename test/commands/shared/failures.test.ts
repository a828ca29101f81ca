import { expect, test } from '@jest/globals';
import { awsFailure } from '../../../commands/shared/failures.ts';
import { serviceError } from '../../support/factories.ts';

const error = (name: string, message = '', code?: string) => Object.assign(new Error(message), { name, code });

test.each([
  [error('Error', 'Region is missing'), /no AWS region is chosen: set AWS_REGION/],
  [error('CredentialsProviderError', 'Could not load credentials from any providers'), /no AWS credentials/],
  [error('CredentialsProviderError', 'The SSO session has expired'), /have expired: sign in again/],
  [serviceError('ExpiredTokenException'), /have expired: sign in again/],
  [serviceError('UnrecognizedClientException'), /does not accept the credentials/],
  [
    serviceError('AccessDeniedException', 'User x is not authorized\nto perform: y'),
    /denies the call: User x is not authorized to perform: y$/,
  ],
  [serviceError('AuthorizationErrorException', 'User x is not authorized'), /denies the call: User x is not/],
  [serviceError('ThrottlingException'), /try again in a minute/],
  [error('Error', '', 'ENOTFOUND'), /^stage dev cannot be reached \(ENOTFOUND\)/],
  [error('TimeoutError'), /cannot be reached/],
  [
    serviceError('ResourceNotFoundException', 'no such application'),
    /AWS refuses \(ResourceNotFoundException\): no such/,
  ],
])('%s', (thrown, words) => {
  const line = awsFailure(thrown, 'stage dev');
  expect(line).toMatch(words);
  expect(line).not.toContain('\n');
});

test('errors that are not of AWS are not described', () => {
  expect(awsFailure(new TypeError('x is not a function'), 'stage dev')).toBeUndefined();
  expect(awsFailure(undefined, 'stage dev')).toBeUndefined();
});
