import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readSnowflakeAccount } from '../../lambdas/warehouse/snowflake-account.ts';

test.each([
  ['acme-prod', 'acme-prod'],
  [' acme-prod\n', 'acme-prod'],
  ['"acme-prod"', 'acme-prod'],
  ['ACME.PROD', 'ACME-PROD'],
  ['ACME-PROD.SnowflakeComputing.com.', 'ACME-PROD'],
  ['https://acme-prod.snowflakecomputing.com:443/console/login?x=1#/', 'acme-prod'],
  ['https://app.snowflake.com/acme/prod/#/homepage', 'acme-prod'],
  ['app.snowflake.com/us-east-1/xy12345', 'xy12345.us-east-1'],
  ['https://app.snowflake.com/us-east-2.aws/xy12345/worksheets', 'xy12345.us-east-2.aws'],
  ['xy12345', 'xy12345'],
  ['xy12345.us-east-2.aws', 'xy12345.us-east-2.aws'],
  ['xy12345.us-central1.gcp.snowflakecomputing.com', 'xy12345.us-central1.gcp'],
  ['https://acme-prod.privatelink.snowflakecomputing.com/', 'acme-prod.privatelink'],
  ['xy12345.us-east-1.privatelink.snowflakecomputing.com', 'xy12345.us-east-1.privatelink'],
  ['xy12345.west-us-2.azure.privatelink', 'xy12345.west-us-2.azure.privatelink'],
  ['acme-main.global', 'acme-main.global'],
])('%j is the account %s', (text, account) => expect(readSnowflakeAccount(text)).toEqual({ account }));

test.each([
  ['acme-my_prod', 'acme-my_prod', 'https://acme-my-prod.snowflakecomputing.com'],
  ['ACME.MY_PROD', 'ACME-MY_PROD', 'https://acme-my-prod.snowflakecomputing.com'],
  [
    'https://acme-my_prod.privatelink.snowflakecomputing.com',
    'acme-my_prod.privatelink',
    'https://acme-my-prod.privatelink.snowflakecomputing.com',
  ],
  [
    'xy12345.cn-northwest-1.snowflakecomputing.cn',
    'xy12345.cn-northwest-1',
    'https://xy12345.cn-northwest-1.snowflakecomputing.cn',
  ],
])('%j is an account at a URL that the SDK would not derive', (text, account, accessUrl) =>
  expect(readSnowflakeAccount(text)).toEqual({ account, accessUrl }),
);

test.each([
  '',
  'acme prod',
  'acme-prod.example.com',
  'https://evil.example/?x=acme-prod.snowflakecomputing.com',
  'https://user@acme-prod.snowflakecomputing.com',
  'https://acme-prod.snowflakecomputing.com.evil.example',
  'https://app.snowflake.com/',
  'https://app.snowflake.com/acme',
  'acme.prod.staging',
  '.acme',
  'acme--prod',
  '_acme',
  '<account>',
  `${'a'.repeat(70)}`,
])('%j is no account', (text) => expect(readSnowflakeAccount(text)).toBeUndefined());

test('the SDK accepts every account', () => {
  // `isCorrectSubdomain` of snowflake-sdk 3.3.
  const subdomain = /^\w+([.-]\w+)*$/;
  const part = fc.stringMatching(/^[A-Za-z0-9_-]{1,8}$/);
  const text = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));
  fc.assert(
    fc.property(text, (written) => {
      const account = readSnowflakeAccount(written)?.account;
      if (account !== undefined) expect(account).toMatch(subdomain);
    }),
  );
});
