import * as z from 'zod';
import { enterpriseIdSchema, integrationIdSchema, REGIONS } from '../events/event.ts';
import { EVENT_TYPES } from '../events/event-types/event-types.ts';
import { HEADER_NAME, OWN_HEADER } from './own-headers.ts';
import { PAYLOAD_FORMAT_OPTIONS, PAYLOAD_FORMATS } from './payload-formats/payload-formats.ts';

// AppConfig validates with the patterns of this file too, and does not document its engine. So each pattern has the same
// meaning in ECMA 262, java.util.regex and RE2 (test/infra/portable-patterns.test.ts).

/** The longest attempt from the deliveries queue, in seconds. Slower integrations are delivered by the workflow's task. */
export const MAX_QUEUE_ATTEMPT_SECONDS = 15;

/** Retries after the first attempt, by default; with the default delays they take 23.6 hours. */
export const DEFAULT_MAX_RETRIES = 9;

/** The format of `toISOString`. A pattern, since AppConfig's validators may not support JSON Schema's `format`. */
const UTC_TIME = /^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{1,3})?Z$/;

/** A header's value: at most 4096 visible ASCII characters, with spaces between them. */
export const headerValueSchema = z
  .string()
  .max(4096)
  .regex(/^[!-~]([ -~]*[!-~])?$/, 'must be visible ASCII');

const PORT = '[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]';
/** A label of a host name (RFC 1123): at most 63 letters and digits, with hyphens between them. */
const LABEL = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
/** At least two labels. The last one begins with a letter, since URL parsers read `127.1` and `0x7f.1` as addresses. */
const NAME = `(${LABEL}[.])+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?`;
const BYTE = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = `(${BYTE}[.]){3}${BYTE}`;
const IPV6 = '\\[[0-9A-Fa-f:.]+\\]';
/** The longest DNS name, in characters (RFC 1035, without the final dot). */
const MAX_NAME_LENGTH = 253;
/** Reserved names (RFC 6761): the first never exists, the second is the sender itself. */
const RESERVED = /[.](invalid|localhost)$/;
/**
 * A URL: host name or address, port, path and query. Only ASCII, as in RFC 3986, so that the URL is sent as it is written:
 * names in other scripts must be in Punycode, and paths percent-encoded. A backslash is refused, because URL parsers turn it
 * into a slash. `localhost` is for the stage `local`, the only one that permits unencrypted HTTP.
 */
const ADDRESS = new RegExp(
  `^(https?://(${NAME}|${IPV4}|${IPV6})|http://localhost)(:(${PORT}))?([/?][!-"$-Z\\[\\]^-~]*)?$`,
);

/** The parts of a URL as it is written. `URL` would accept and normalize much that must be refused. */
const PARTS = /^https?:\/\/(?:([^/?#]*)@)?(\[[^/?#]*\]|[^/?#:]*)(?::([^/?#]*))?(?=[/?#]|$)/;

/** Why an address is invalid, for the operator. It quotes nothing, since a URL may contain a password. */
function addressFault(text: string): string {
  if (!/^https?:\/\//.test(text)) return 'must be an http(s) URL: it begins with https://';
  const [, credentials, host = '', port] = PARTS.exec(text) ?? [];
  if (credentials !== undefined) return 'must not hold a user name or password: they belong into the secret';
  if (text.includes('#')) return 'must not have a fragment (#…): it is never sent';
  if (text.includes('\\')) return 'must not hold a backslash: it would be sent as /';
  return (
    hostFault(host, text) ??
    portFault(port) ??
    'must hold visible ASCII only: write other characters of the path as %XX'
  );
}

function hostFault(host: string, text: string): string | undefined {
  if (host === '') return 'has no host';
  if (host.startsWith('['))
    return new RegExp(`^${IPV6}$`).test(host) ? undefined : 'has no IPv6 address in its brackets';
  if (new RegExp(`^(${NAME}|${IPV4})$`).test(host)) return undefined;
  if (/[^!-~]/.test(host)) return 'has a host that is not ASCII: write an internationalized name in its form xn--…';
  if (host.includes('*')) return 'has a host with a wildcard: name one host';
  if (host.includes('_')) return 'has a host with an underscore, for which no certificate can be issued';
  if (host.endsWith('.')) return 'has a host with a dot at its end: leave it out';
  if (host === 'localhost' && text.startsWith('http:')) return undefined;
  if (/^[0-9.]+$/.test(host)) return 'has an address that is not four numbers of at most 255';
  if (!host.includes('.')) return 'has a host without a domain: write its full name, such as hooks.partner.example';
  return 'has a host that cannot exist: its parts have 1 to 63 letters, digits and hyphens between them, and the last begins with a letter';
}

function portFault(port: string | undefined): string | undefined {
  return port === undefined || new RegExp(`^(${PORT})$`).test(port) ? undefined : 'has a port that is not 1 to 65535';
}

/** The URL of a partner. The sender checks scheme, port and resolved address again before each request. */
const addressSchema = z
  .string()
  .max(2048)
  .regex(ADDRESS, { error: ({ input }) => addressFault(String(input)), abort: true })
  .refine((text) => URL.canParse(text), { error: 'is no URL', abort: true })
  .refine(
    (text) => new URL(text).hostname.length <= MAX_NAME_LENGTH,
    `has a host of over ${MAX_NAME_LENGTH} characters`,
  )
  .refine((text) => !RESERVED.test(new URL(text).hostname), 'has a host that cannot exist: its last part is reserved');

const headerNameSchema = z
  .string()
  .regex(HEADER_NAME, 'must be a header name')
  .refine((name) => !OWN_HEADER.test(name), 'is a header that the sender sets itself')
  .meta({ not: { pattern: OWN_HEADER.source } });

const retriesSchema = z.int().min(0).max(10);

/** Statuses of 400 to 499 that have a rule of their own, and why `retry_on_status` does not change it. */
const FIXED_STATUSES: ReadonlyMap<number, string> = new Map([
  [401, 'has one more attempt with fresh credentials already, and further ones could lock the account'],
  [408, 'is retried already'],
  [410, 'parks the integration, because the endpoint is gone'],
  [425, 'is retried already'],
  [429, 'is retried already'],
]);
const RETRYABLE_RANGE =
  'must be 400 to 499: a 2xx is delivered, a redirect is the same on a retry, and a 5xx is retried already';

/** A status that is a permanent failure otherwise. */
const retryableStatusSchema = z
  .int()
  .min(400, RETRYABLE_RANGE)
  .max(499, RETRYABLE_RANGE)
  .refine((status) => !FIXED_STATUSES.has(status), {
    error: ({ input }) => `${input} ${FIXED_STATUSES.get(Number(input))}`,
  })
  .meta({ not: { enum: [...FIXED_STATUSES.keys()] } });

/** The first of each is the default: Percipio's. */
export const TOKEN_REQUESTS = ['json', 'form'] as const;
export const CLIENT_AUTHENTICATIONS = ['body', 'basic'] as const;

/**
 * The authorization of a request, in addition to its signature. Its credentials are in the integration's secret.
 *
 * `oauth2_client_credentials` works as Percipio's by default: a JSON POST to `token_url` returns `access_token`.
 */
const authSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({ type: z.literal('bearer') }),
  z.strictObject({ type: z.literal('api_key'), header: headerNameSchema.default('X-API-Key') }),
  z.strictObject({
    type: z.literal('oauth2_client_credentials'),
    token_url: addressSchema,
    /** The body of the token request: JSON, as Percipio has it, or a form, as RFC 6749 (section 4.4.2) has it. */
    token_request: z.enum(TOKEN_REQUESTS).default(TOKEN_REQUESTS[0]),
    /** Where the token request has the client's id and secret: in its body, or in a Basic header (section 2.3.1). */
    client_authentication: z.enum(CLIENT_AUTHENTICATIONS).default(CLIENT_AUTHENTICATIONS[0]),
    /** Names of visible ASCII without `"` and `\`, separated by spaces (section 3.3). Empty: the request has no scope. */
    scope: z
      .string()
      .max(256)
      .regex(/^([!#-\x5b\x5d-~]+( [!#-\x5b\x5d-~]+)*)?$/, 'must be OAuth scopes, separated by spaces')
      .default('api'),
    /** The API that the token is for. RFC 6749 has no such parameter, but several servers (Auth0) require it. */
    audience: z
      .string()
      .max(1024)
      .regex(/^[!-~]([ -~]*[!-~])?$/, 'must be visible ASCII, such as the URL of an API')
      .optional(),
  }),
]);

/** An additional header, with its value or with a key of the secret's `headers`. */
const headerSchema = z.union([
  z.strictObject({ name: headerNameSchema, value: headerValueSchema }),
  z.strictObject({ name: headerNameSchema, from_secret: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) }),
]);

/** The path of a field to encrypt: `user.email`. */
const fieldPathSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}([.][A-Za-z0-9_-]{1,64}){0,7}$/, 'must be names, separated by dots');

/** The most contacts of an integration. SNS allows 200 filter policies per topic, one for each address of a stage. */
const MAX_CONTACTS = 10;

/** A mail address of ASCII characters without quotes (RFC 5321, section 4.1.2, `Dot-string`), as SNS takes it. */
const contactSchema = z
  .string()
  .max(254)
  .regex(
    new RegExp(`^[A-Za-z0-9!#$%&'*+/=?^_\`{|}~-]+([.][A-Za-z0-9!#$%&'*+/=?^_\`{|}~-]+)*@${NAME}$`),
    'must be a mail address, such as team@partner.example',
  );

/** One receiver of webhooks, as in the AppConfig profile `integrations`. */
export const integrationSchema = z
  .strictObject({
    id: integrationIdSchema,
    url: addressSchema,
    /** Off: its events are acknowledged, counted and logged as filtered. */
    active: z.boolean().default(true),
    /** Its deliveries are parked, and spend no attempt. */
    paused: z.boolean().default(false),
    /** Written by `integration resume`: an earlier state of the endpoint (gone, failing, certificate) no longer applies. */
    resumed_at: z.string().regex(UTC_TIME, 'must be a time in UTC').optional(),
    /** The event types it subscribes to; all by default. */
    event_types: z.array(z.enum(EVENT_TYPES)).min(1).optional(),
    /** Timeout of the longest attempt: token fetch, connect, headers and body. Earlier attempts have shorter timeouts. */
    timeout_seconds: z.int().min(5).max(300).default(MAX_QUEUE_ATTEMPT_SECONDS),
    /** Retries after the first attempt. */
    max_retries: retriesSchema.default(DEFAULT_MAX_RETRIES),
    /** Overrides `max_retries` for event types. */
    max_retries_by_event_type: z
      .strictObject(Object.fromEntries(EVENT_TYPES.map((type) => [type, retriesSchema.optional()])))
      .optional(),
    /** Replaces the default delays between attempts: 1 s to a day each; the last one repeats. */
    retry_delays_seconds: z.array(z.int().min(1).max(86_400)).min(1).max(10).optional(),
    /** Statuses that are retried although they are permanent failures elsewhere: n8n responds 404 while a workflow is saved. */
    retry_on_status: z.array(retryableStatusSchema).max(20).default([]),
    /** Rate limit over all functions together, including retries; unlimited by default. */
    max_requests_per_minute: z.int().min(1).max(60_000).optional(),
    auth: authSchema.default({ type: 'none' }),
    /** Presents the client certificate of its secret to the endpoint and to the token server, if they ask for one. */
    client_certificate: z.boolean().default(false),
    headers: z.array(headerSchema).max(20).default([]),
    payload_format: z.enum(PAYLOAD_FORMATS).default(PAYLOAD_FORMATS[0]),
    ...PAYLOAD_FORMAT_OPTIONS,
    encrypted_fields: z.array(fieldPathSchema).max(20).default([]),
    /** Receives the enterprise's events that name no integration, by region. Events of other enterprises are refused. */
    enterprise_customer_uuid: enterpriseIdSchema.optional(),
    region: z.enum(REGIONS).default('OTHER'),
    /** Receive a mail when the integration is parked and when it resumes. They are in no log, event or metric. */
    contacts: z.array(contactSchema).max(MAX_CONTACTS).default([]),
  })
  .superRefine(({ url, client_certificate }, context) => {
    if (client_certificate && url.startsWith('http:')) {
      const message = 'needs a url that begins with https://: plain HTTP has no certificates';
      context.addIssue({ code: 'custom', path: ['client_certificate'], message });
    }
  })
  .superRefine(({ auth, headers }, context) => {
    const taken = new Set(
      auth.type === 'none' ? [] : [auth.type === 'api_key' ? auth.header.toLowerCase() : 'authorization'],
    );
    for (const [index, { name }] of headers.entries()) {
      if (taken.has(name.toLowerCase())) {
        context.addIssue({ code: 'custom', path: ['headers', index, 'name'], message: 'is set twice' });
      }
      taken.add(name.toLowerCase());
    }
  });
export type Integration = z.infer<typeof integrationSchema>;

/** The whole profile. Handlers read it entry by entry (`integration-registry.ts`): an invalid entry affects no other. */
export const integrationsDocumentSchema = z.strictObject({
  /** Parks the deliveries of all integrations. */
  paused: z.boolean().default(false),
  integrations: z.array(integrationSchema).max(2000),
});
