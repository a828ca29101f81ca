import type { SendTestReport } from '../../lambdas/delivery/send-test-contract.ts';
import { certificateFaultOf } from '../../lambdas/partners/response-outcome.ts';
import {
  BY_CODE,
  BY_CODE_PATTERN,
  BY_OAUTH_ERROR,
  BY_RESPONSE_FAULT,
  BY_RESPONSE_START,
  BY_STATUS,
  CLIENT_REFUSED,
  type Explanation,
} from './explanations.ts';

const BY_REASON: readonly (readonly [RegExp, Explanation])[] = [
  [
    /^no integration has the id/,
    [
      'the stage has no such integration, or functions do not have it yet',
      '"./ltw integration list" prints all; functions notice a deployment within 15 s',
    ],
  ],
  [/entry does not fit/, ['the entry is not usable', '"./ltw integration validate" prints every fault']],
  [
    /cannot be read from AppConfig/,
    ['AppConfig does not respond to the function', 'try again; if it persists, look at the AWS Health Dashboard'],
  ],
  [
    /^its entry presents no client certificate/,
    ['--next is for an integration with a client certificate', 'set client_certificate of the entry to true first'],
  ],
  [
    /^the secret has .*next_client_/,
    ['the secret has no usable next pair', 'store it with "integration next-certificate"'],
  ],
  [
    /^the secret has /,
    [
      'the secret lacks what the entry’s auth, headers, client_certificate or encrypted_fields need, or holds it in another form',
      'put it into the secret, keeping its other keys: send-test uses it at once, deliveries within 15 minutes',
    ],
  ],
  [
    /^secret .*(cannot be read|has |is not a JSON|not exist|no value)/i,
    ['the integration’s secret is missing or not usable', '"./ltw integration validate" prints what it lacks'],
  ],
  [
    /learner|payload|schema|format/,
    ['no body could be composed', 'look at payload_format and encrypted_fields of the entry'],
  ],
];

/**
 * What a test event's report means, for an operator who knows neither HTTP's status codes nor Node's error codes.
 *
 * @returns nothing where it was delivered and its response could be read
 */
export function explain(report: SendTestReport): string[] {
  return [...explainVerdict(report), ...explainFault(report)];
}

function explainFault({ response_fault: fault }: SendTestReport): string[] {
  if (fault === undefined) return [];
  const [, meaning] = BY_RESPONSE_FAULT.find(([pattern]) => pattern.test(fault)) ?? [];
  return [
    `The status counts, but the rest of the response could not be read: ${meaning} (${fault}).`,
    'To do: ask the partner to correct it. Until then each delivery costs a new connection.',
  ];
}

function explainVerdict(report: SendTestReport): string[] {
  const { verdict, reason } = report;
  if (verdict === 'delivered') return [];
  // Without a token, no request is made to the endpoint.
  const isToken = reason.startsWith('token:');
  const found = (isToken ? ofTokenServer(report) : undefined) ?? explanationOf(report);
  const prefix = isToken
    ? ['This is about the token server (auth.token_url of the entry): the webhook was not sent.']
    : [];
  if (found === undefined)
    return [...prefix, 'There is no explanation for this: ask the partner to look into its log.'];
  return [...prefix, `It means: ${found[0]}.`, `To do: ${found[1]}.`, ...otherSetting(report), ...parking(report)];
}

/** A token server's error code says more than its status. */
function ofTokenServer({ status, token_error: error }: SendTestReport): Explanation | undefined {
  if (error !== undefined) return BY_OAUTH_ERROR[error];
  if (status === 415) return BY_OAUTH_ERROR.invalid_request;
  return status === 400 || status === 401 ? CLIENT_REFUSED : undefined;
}

const SETTINGS = {
  json: 'this token server may read JSON only',
  form: 'this token server may read forms only, as RFC 6749 has it',
  body: 'this token server may want client_id and client_secret in the body',
  basic: 'this token server may want client_id and client_secret in a Basic header',
} as const;

function otherSetting({ token_setting: setting }: SendTestReport): string[] {
  if (setting === undefined) return [];
  return [
    `If that is right already, set ${setting.name} of the entry’s auth to ${setting.value}: ${SETTINGS[setting.value]}.`,
  ];
}

function parking({ code, integration_id: id }: SendTestReport): string[] {
  if (code === undefined || certificateFaultOf(code) === undefined) return [];
  return [
    `If that happens three times within ten minutes, the integration is parked. "./ltw integration resume ${id}" releases it once the certificate is repaired.`,
  ];
}

function explanationOf({
  verdict,
  status,
  code,
  reason,
  response_start = '',
}: SendTestReport): Explanation | undefined {
  const [, ofBody] = BY_RESPONSE_START.find(([pattern]) => pattern.test(response_start)) ?? [];
  if (ofBody !== undefined) return ofBody;
  if (verdict === 'unsent') return BY_REASON.find(([pattern]) => pattern.test(reason))?.[1];
  if (code !== undefined) return explainCode(code);
  return status === undefined ? undefined : ofStatus(status, reason);
}

/** What the code of a connection that failed means. */
export function explainCode(code: string): Explanation | undefined {
  return BY_CODE[code] ?? BY_CODE_PATTERN.find(([pattern]) => pattern.test(code))?.[1];
}

function ofStatus(status: number, reason: string): Explanation | undefined {
  if (status < 200)
    return ['that is no final response', 'ask the partner which protocol its endpoint speaks: this is not HTTP/1.1'];
  // Only a token server's 2xx fails.
  if (status < 300)
    return ['its response has no usable access_token', `compare token_url with what the partner gave you (${reason})`];
  if (status < 400) {
    return [
      'the endpoint redirects, which is never followed: a POST would become a GET to another address',
      'put the final address into the entry’s url: the partner knows it',
    ];
  }
  const known = BY_STATUS[status];
  if (known !== undefined) return known;
  if (status >= 500) return ['the endpoint fails', 'inform the partner if it persists; deliveries are retried'];
  return ['the endpoint refuses the request', 'ask the partner for the reason'];
}
