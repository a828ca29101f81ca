import * as z from 'zod';
import { enterpriseIdSchema, integrationIdSchema, REGIONS } from '../events/event.ts';
import { EVENT_TYPES } from '../events/event-types/event-types.ts';
import { HEADER_NAME, OWN_HEADER } from './own-headers.ts';
import { PAYLOAD_FORMAT_OPTIONS, PAYLOAD_FORMATS } from './payload-formats/payload-formats.ts';

// AppConfig evaluates the patterns of this file too, with an engine that is not documented. So each means the same in
// ECMA 262, java.util.regex and RE2; test/infra/portable-patterns.test.ts says what that leaves.

/** Longest try from the deliveries queue, in seconds: a slower integration is delivered by the workflow's task only. */
export const MAX_QUEUE_ATTEMPT_SECONDS = 15;

/** Tries after the first one, where an integration does not say how many: with the usual delays, 23.6 hours of them. */
export const DEFAULT_MAX_RETRIES = 9;

/** As JavaScript writes a time. A pattern: AppConfig's validators need not know JSON Schema's formats. */
const UTC_TIME = /^[0-9]{4}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]([.][0-9]{1,3})?Z$/;

/** What a header's value may hold: at most 4096 visible ASCII characters, spaces between them. */
export const headerValueSchema = z
  .string()
  .max(4096)
  .regex(/^[!-~]([ -~]*[!-~])?$/, 'must be visible ASCII');

const PORT = '[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]';
/** One part of a host's name (RFC 1123): letters, digits and hyphens between them, at most 63. */
const LABEL = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
/** At least two parts, the last of which begins with a letter: else URL parsers read `127.1` and `0x7f.1` as addresses. */
const NAME = `(${LABEL}[.])+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?`;
const BYTE = '(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])';
const IPV4 = `(${BYTE}[.]){3}${BYTE}`;
const IPV6 = '\\[[0-9A-Fa-f:.]+\\]';
/** The longest name that DNS can carry, in characters (RFC 1035, without the dot at the end). */
const MAX_NAME_LENGTH = 253;
/** Names that no public name server knows (RFC 6761): the one never exists, the other leads to the sender itself. */
const RESERVED = /[.](invalid|localhost)$/;
/**
 * Host or address, port, path and query: as much as a pattern can know of what URLs are. ASCII, as RFC 3986 has it: a name
 * in another script is written in Punycode, a path percent-encoded, and a backslash, which becomes a slash, is refused, so that
 * what is sent is what was read. `localhost` is for the stage `local`, the only one that sends over plain HTTP.
 */
const ADDRESS = new RegExp(
  `^(https?://(${NAME}|${IPV4}|${IPV6})|http://localhost)(:(${PORT}))?([/?][!-"$-Z\\[\\]^-~]*)?$`,
);

/** What a URL consists of, as it is written: `URL` would accept and change much of what must be refused. */
const PARTS = /^https?:\/\/(?:([^/?#]*)@)?(\[[^/?#]*\]|[^/?#:]*)(?::([^/?#]*))?(?=[/?#]|$)/;

/** What is wrong with an address, for the operator who wrote it. It quotes nothing: a URL may hold a password. */
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

/** An address to send to. The scheme, port and resolved address are checked again before each request. */
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

/**
 * How a request proves who sends it, besides its signature. What it takes is in the integration's secret, never here.
 *
 * `oauth2_client_credentials` is Percipio's: a JSON POST to `token_url`, answered with `access_token`.
 */
const authSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({ type: z.literal('bearer') }),
  z.strictObject({ type: z.literal('api_key'), header: headerNameSchema.default('X-API-Key') }),
  z.strictObject({
    type: z.literal('oauth2_client_credentials'),
    token_url: addressSchema,
    /** Visible ASCII without `"` and `\`, names cut by spaces (RFC 6749, section 3.3). */
    scope: z
      .string()
      .max(256)
      .regex(/^[!#-\x5b\x5d-~]+( [!#-\x5b\x5d-~]+)*$/, 'must be scopes as OAuth has them, cut by spaces')
      .default('api'),
  }),
]);

/** One more header: its value as it stands here, or the one of that name in the secret's `headers`. */
const headerSchema = z.union([
  z.strictObject({ name: headerNameSchema, value: headerValueSchema }),
  z.strictObject({ name: headerNameSchema, from_secret: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/) }),
]);

/** A field of the payload to encrypt, by the names on the way to it: `user.email`. */
const fieldPathSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}([.][A-Za-z0-9_-]{1,64}){0,7}$/, 'must be names, cut by dots');

/** One receiver of webhooks, as the operator writes it in the AppConfig profile `integrations`. */
export const integrationSchema = z
  .strictObject({
    id: integrationIdSchema,
    url: addressSchema,
    /** Off: its events are acknowledged, counted and logged as filtered. */
    active: z.boolean().default(true),
    /** Its events are put to sleep instead of sent, and spend no try. */
    paused: z.boolean().default(false),
    /** Written by `integration resume`: what was known of the endpoint before (gone, failing) is forgotten. */
    resumed_at: z.string().regex(UTC_TIME, 'must be a time in UTC').optional(),
    /** Which events it takes; everything, where it says nothing. */
    event_types: z.array(z.enum(EVENT_TYPES)).min(1).optional(),
    /** The longest try's deadline, over token fetch, connect, headers and body. Earlier tries get less. */
    timeout_seconds: z.int().min(5).max(300).default(MAX_QUEUE_ATTEMPT_SECONDS),
    /** Tries after the first one. */
    max_retries: retriesSchema.default(DEFAULT_MAX_RETRIES),
    /** The same for one type of event, where it differs. */
    max_retries_by_event_type: z
      .strictObject(Object.fromEntries(EVENT_TYPES.map((type) => [type, retriesSchema.optional()])))
      .optional(),
    /** Waits between tries, in place of the usual ones: 1 s to a day; the last one repeats. */
    retry_delays_seconds: z.array(z.int().min(1).max(86_400)).min(1).max(10).optional(),
    /** Enforced over all functions together; retries count. None where it says nothing. */
    max_requests_per_minute: z.int().min(1).max(60_000).optional(),
    auth: authSchema.default({ type: 'none' }),
    headers: z.array(headerSchema).max(20).default([]),
    payload_format: z.enum(PAYLOAD_FORMATS).default(PAYLOAD_FORMATS[0]),
    ...PAYLOAD_FORMAT_OPTIONS,
    encrypted_fields: z.array(fieldPathSchema).max(20).default([]),
    /** For events that name no integration: the enterprise's, by region. An event of another enterprise is refused. */
    enterprise_customer_uuid: enterpriseIdSchema.optional(),
    region: z.enum(REGIONS).default('OTHER'),
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

/** The whole profile. Handlers read it entry by entry (`integration-registry.ts`), so one bad entry harms no other. */
export const integrationsDocumentSchema = z.strictObject({
  /** Puts every integration's events to sleep. */
  paused: z.boolean().default(false),
  integrations: z.array(integrationSchema).max(2000),
});
