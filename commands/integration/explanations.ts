import type { OAuthError } from '../../lambdas/partners/oauth-errors.ts';

const DNS_REMEDY =
  'compare the host in the entry’s url with what the partner gave you; the partner may have removed it';
const CHAIN_REMEDY = 'the partner must install a certificate of a public authority, with all intermediate certificates';

const CERTIFICATE_REQUIRED: Explanation = [
  'the endpoint requires a client certificate (mutual TLS), and was presented none',
  'put client_certificate and client_key into the secret, and set client_certificate of the entry to true',
];
const CERTIFICATE_REFUSED: Explanation = [
  'the endpoint refuses the client certificate, or requires one (mutual TLS)',
  'ask the partner which certificates it accepts, and whether this one was revoked; "./ltw integration validate" checks the pair of the secret',
];

/** Texts of servers that report a client certificate by a response: nginx's error pages of 495 and 496, sent as 400. */
export const BY_RESPONSE_START: readonly (readonly [RegExp, Explanation])[] = [
  [/No required SSL certificate was sent/, CERTIFICATE_REQUIRED],
  [/The SSL certificate error/, CERTIFICATE_REFUSED],
];

/** Failures before any response: our own codes, and Node’s for names, connections and certificates. */
export const BY_CODE: Readonly<Record<string, Explanation>> = {
  INVALID_URL: ['the url is not valid', 'correct the url of the entry'],
  FORBIDDEN_URL: [
    'the stage does not send there: it sends over https only, and never with a user name in the url',
    'ask the partner for an https address; only a stage that says allowPlainHttp (the local one) sends over http',
  ],
  FORBIDDEN_PORT: [
    'the stage sends to ports 443 and 8443 only, unless it lists others',
    'ask the partner for an address on one of these, or add the port to the stage’s allowedPorts (lib/stage.ts) and deploy',
  ],
  FORBIDDEN_ADDRESS: [
    'the host’s name leads to an address that is not public (private, loopback, link-local, reserved …): nothing is sent there',
    'ask the partner for a host with a public address; a network of your own goes into the stage’s allowedCidrs (lib/stage.ts), never in prod',
  ],
  TIMEOUT: [
    'no complete response came in time',
    'the times below show how far it got: without a connect time (unless the connection was kept from an earlier test) a firewall may drop the request, and the partner must allow the stage’s addresses (output EgressAddresses); with one the endpoint is slow, and timeout_seconds of the entry gives it up to 300 s',
  ],
  CLOSED: [
    'the endpoint closed the connection before a complete response',
    'ask the partner to look into its log at this time',
  ],
  ECONNREFUSED: [
    'nothing listens at this address and port',
    'compare host and port of the url with what the partner gave you; the service may be down',
  ],
  ECONNRESET: [
    'the endpoint, or a firewall on the way, cut the connection',
    'ask the partner to allow the stage’s addresses (output EgressAddresses) and to look into its log at this time: some servers cut it if they refuse a client certificate',
  ],
  EPIPE: [
    'the endpoint closed the connection while the request was sent',
    'ask the partner to look into its log at this time',
  ],
  ETIMEDOUT: [
    'no connection was established',
    'a firewall may drop it: the partner must allow the stage’s addresses (output EgressAddresses)',
  ],
  EHOSTUNREACH: ['there is no route to this address', 'ask the partner whether the host is up'],
  ENETUNREACH: [
    'there is no route to this address’s network',
    'if the host has an IPv6 address only, ask the partner for one with IPv4',
  ],
  ENOTFOUND: ['there is no such host', DNS_REMEDY],
  ENODATA: ['the host’s name has no address', DNS_REMEDY],
  EAI_AGAIN: [
    'the name server does not respond',
    'try again in a minute; if it persists, ask the partner to check its DNS',
  ],
  EAI_FAIL: ['the name server fails for this host', 'ask the partner to check its DNS'],
  ESERVFAIL: ['the name server fails for this host', 'ask the partner to check its DNS'],
  CERT_HAS_EXPIRED: ['the endpoint’s certificate has expired', 'the partner must renew it'],
  CERT_NOT_YET_VALID: [
    'the endpoint’s certificate is not valid yet',
    'the partner must install the one that is valid now',
  ],
  CERT_REVOKED: ['the endpoint’s certificate was revoked', 'the partner must replace it'],
  CERT_UNTRUSTED: ['the endpoint’s certificate is not trusted', CHAIN_REMEDY],
  ERR_TLS_CERT_ALTNAME_INVALID: [
    'the endpoint’s certificate is for another host',
    'compare the host in the url with what the partner gave you; the certificate must name it',
  ],
  DEPTH_ZERO_SELF_SIGNED_CERT: ['the endpoint signed its certificate itself', CHAIN_REMEDY],
  SELF_SIGNED_CERT_IN_CHAIN: ['the endpoint’s certificate comes from an authority of its own', CHAIN_REMEDY],
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: [
    'no trusted authority issued the endpoint’s certificate: most often an intermediate certificate is missing',
    CHAIN_REMEDY,
  ],
  UNABLE_TO_GET_ISSUER_CERT: ['the issuer of the endpoint’s certificate is not known', CHAIN_REMEDY],
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: ['the issuer of the endpoint’s certificate is not known', CHAIN_REMEDY],
  MALFORMED_RESPONSE: [
    'what came back is not HTTP, or its status cannot be read: most likely another service listens at this port',
    'compare host and port of the url with what the partner gave you',
  ],
};

/** Codes of a kind that have no entry of their own. */
export const BY_CODE_PATTERN: readonly (readonly [RegExp, Explanation])[] = [
  [
    /^(CERT_|CRL_|ERROR_IN_|UNABLE_TO_|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH|HOSTNAME_|UNSPECIFIED)/,
    ['the endpoint’s certificate is not accepted', CHAIN_REMEDY],
  ],
  [
    /^ERR_SSL_(WRONG_VERSION_NUMBER|DATA_LENGTH_TOO_LONG|PACKET_LENGTH_TOO_LONG)$/,
    [
      'the port does not speak TLS: most likely plain http',
      'ask the partner for the https address; the port may be the wrong one',
    ],
  ],
  [
    /^ERR_SSL_(UNSUPPORTED_PROTOCOL|\w+_ALERT_PROTOCOL_VERSION)$/,
    ['the endpoint speaks no TLS 1.2 or later', 'the partner must switch it on'],
  ],
  [
    /^ERR_SSL_(DH_KEY_TOO_SMALL|UNSAFE_LEGACY_RENEGOTIATION_DISABLED)$/,
    [
      'the TLS that the endpoint offers is too weak: an old server or load balancer',
      'the partner must offer TLS 1.3, or TLS 1.2 with ECDHE and secure renegotiation (RFC 5746)',
    ],
  ],
  [/^ERR_SSL_\w+_ALERT_CERTIFICATE_REQUIRED$/, CERTIFICATE_REQUIRED],
  [
    /^ERR_SSL_\w+_ALERT_CERTIFICATE_EXPIRED$/,
    [
      'the endpoint refuses the client certificate, because it has expired',
      'store the next one: "./ltw integration next-certificate ID", then "./ltw integration switch-certificate ID"',
    ],
  ],
  [
    /^ERR_SSL_\w+_ALERT_UNKNOWN_CA$/,
    [
      'the endpoint does not know who issued the client certificate (mutual TLS)',
      'ask the partner which authority it trusts; put the issuers of the certificate after it in the secret’s client_certificate',
    ],
  ],
  [/^ERR_SSL_\w+_ALERT_(\w*CERTIFICATE\w*|ACCESS_DENIED)$/, CERTIFICATE_REFUSED],
  [
    /^ERR_SSL_\w+_ALERT_(HANDSHAKE_FAILURE|INSUFFICIENT_SECURITY)$/,
    [
      'no TLS connection was established: the two sides have no cipher in common, or the endpoint requires a client certificate (mutual TLS)',
      'the partner must offer TLS 1.2 or later with an ordinary certificate; if it requires a client certificate, put it into the secret and set client_certificate of the entry to true',
    ],
  ],
  [
    /^ERR_SSL_\w+_UNRECOGNIZED_NAME$/,
    [
      'the server at this address does not serve this host',
      'compare the host in the url with what the partner gave you',
    ],
  ],
  [
    /^ERR_SSL_\w+_ALERT_NO_APPLICATION_PROTOCOL$/,
    ['the endpoint speaks HTTP/2 only', 'ask the partner for an endpoint that speaks HTTP/1.1'],
  ],
  [
    /^(ERR_SSL_|ERR_TLS_|EPROTO)/,
    [
      'no TLS connection was established: the handshake failed',
      'try again; if it persists, the partner must offer TLS 1.2 or later with an ordinary certificate',
    ],
  ],
  [
    /^ERR_(INVALID|HTTP|UNESCAPED)/,
    [
      'the request cannot be written: a header holds what HTTP does not allow',
      'look at the entry’s headers and the values in the secret',
    ],
  ],
];

/** What is wrong with a response whose status counted. */
export const BY_RESPONSE_FAULT: readonly (readonly [RegExp, string])[] = [
  [/^HPE_INVALID_TRANSFER_ENCODING$/, 'Content-Length is there together with Transfer-Encoding'],
  [/^HPE_UNEXPECTED_CONTENT_LENGTH$/, 'Content-Length is there twice, or together with Transfer-Encoding'],
  [/^HPE_INVALID_CONTENT_LENGTH$/, 'Content-Length is no length, or is there together with Transfer-Encoding'],
  [/^HPE_HEADER_OVERFLOW$/, 'its headers are larger than 16 KB'],
  [/^HPE_(CR|LF)_EXPECTED$/, 'a line does not end with CR and LF'],
  [/^HPE_INVALID_(HEADER_TOKEN|STATUS)$/, 'a header or the status line is not as HTTP has it'],
  [/^HPE_(INVALID_CHUNK_SIZE|STRICT)$/, 'Transfer-Encoding says chunked, and the body is not'],
  [/^HPE_(INVALID_CONSTANT|CLOSED_CONNECTION)$/, 'more follows than its headers announce'],
  [/^TIMEOUT$/, 'its body did not end in time'],
  [/^HPE_/, 'it is not as HTTP has it'],
  [/^/, 'the connection was cut before its body ended'],
];

/** What something means, and what to do about it. */
export type Explanation = readonly [means: string, remedy: string];

/** HTTP status codes that have an explanation of their own. */
export const BY_STATUS: Readonly<Record<number, Explanation>> = {
  400: [
    'the endpoint cannot use the body',
    'compare the body below with what the partner expects: payload_format, duration_unit and encrypted_fields of the entry decide it',
  ],
  401: [
    'the endpoint does not accept the credentials, with a fresh token and a fresh secret either, or it finds the signature wrong',
    'compare the entry’s auth with what the partner gave you, put the right credentials into the secret, and let the partner compare the signature below',
  ],
  403: [
    'the endpoint accepts the credentials but not the request, or a firewall in front of it blocks the stage’s addresses',
    'ask the partner to allow the stage’s addresses (output EgressAddresses of the stack) and to check the account’s rights',
  ],
  404: ['there is nothing at this path', 'compare the path of the entry’s url with what the partner gave you'],
  405: [
    'the path accepts no POST',
    'ask the partner for the address that receives webhooks: this one has another purpose',
  ],
  406: ['the endpoint has no response that the request accepts', 'ask the partner for the reason'],
  407: ['a proxy in front of the endpoint requires a login', 'ask the partner for an address that needs none'],
  408: [
    'the endpoint stopped waiting for the request',
    'try again; if it persists, ask the partner what is slow there',
  ],
  409: ['the endpoint sees a conflict with what it has', 'ask the partner what a webhook of this kind conflicts with'],
  410: [
    'the endpoint is gone for good: its deliveries are parked',
    'ask the partner for the new address; if this one is right after all, "./ltw integration resume ID" resets that',
  ],
  413: ['the endpoint accepts no body of this size', 'ask the partner to allow 256 KB'],
  415: [
    'the endpoint does not accept application/json',
    'ask the partner for the address that receives webhooks as JSON',
  ],
  422: [
    'the endpoint reads the body and refuses its content',
    'compare the body below with what the partner expects: payload_format of the entry decides it',
  ],
  425: ['the endpoint considers the request too early', 'try again in a minute'],
  429: [
    'the endpoint accepts no more requests for now',
    'try again in a minute; if it persists, agree on a rate and set max_requests_per_minute of the entry',
  ],
  501: ['the endpoint accepts no POST', 'ask the partner for the address that receives webhooks'],
  502: ['a gateway of the partner does not reach the server behind it', 'inform the partner; deliveries are retried'],
  503: ['the partner’s service is down or overloaded', 'inform the partner if it persists; deliveries are retried'],
  504: [
    'a gateway of the partner gets no response from the server behind it',
    'inform the partner; deliveries are retried',
  ],
  // nginx's own statuses, where an error_page sends them.
  495: CERTIFICATE_REFUSED,
  496: CERTIFICATE_REQUIRED,
};

const CREDENTIALS_REMEDY =
  'put the client_id and client_secret that the partner gave you into the secret, and compare scope and token_url';

/** A token server refuses the client without an error code. */
export const CLIENT_REFUSED: Explanation = ['the token server refuses the client’s credentials', CREDENTIALS_REMEDY];

/** Errors of a token server. Its `error_description` is never printed, because it may repeat the secret. */
export const BY_OAUTH_ERROR: Readonly<Record<OAuthError, Explanation>> = {
  invalid_request: [
    'the token server lacks a parameter of the request, or cannot read it',
    'compare scope and audience of the entry’s auth with what the partner gave you; the token server’s log has more',
  ],
  invalid_client: CLIENT_REFUSED,
  invalid_grant: ['the token server does not accept what the client shows', CREDENTIALS_REMEDY],
  unauthorized_client: [
    'the token server knows the client, which may not use the grant client_credentials',
    'ask the partner to allow this grant for the client',
  ],
  unsupported_grant_type: [
    'the token server does not support the grant client_credentials, or does not find it in the request',
    'compare token_url with what the partner gave you',
  ],
  invalid_scope: [
    'the token server does not know the scope, or the client may not have it',
    'compare scope of the entry’s auth with what the partner gave you; an empty scope ("") sends none',
  ],
  access_denied: [
    'the token server does not give this client a token, or not for this audience',
    'compare audience of the entry’s auth with what the partner gave you, and ask the partner to allow it for the client',
  ],
  server_error: ['the token server fails', 'inform the partner if it persists; deliveries are retried'],
  temporarily_unavailable: [
    'the token server is down or overloaded',
    'inform the partner if it persists; deliveries are retried',
  ],
  invalid_target: [
    'the token server does not know the audience',
    'compare audience of the entry’s auth with what the partner gave you',
  ],
};
