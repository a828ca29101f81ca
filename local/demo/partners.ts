import { FORMAT_PARTNERS } from './format-scenarios.ts';
import type { Behaviour } from './partner-responses.ts';
import { DOWN_FOR_A_DAY } from './schedule-scenarios.ts';
import { newSigningSecret } from './signature.ts';
import type { ClientCredentials } from './token-server.ts';

/** A partner: the behavior of its path, additions to its integration's entry, and its secret. */
export interface PartnerSetup {
  readonly behaviour: Behaviour;
  readonly entry?: Readonly<Record<string, unknown>>;
  /** Additional fields of its secret, or a signing secret instead of a random one; `none`: no secret. */
  readonly secret?: Readonly<Record<string, unknown>> | 'none';
  /** It accepts webhooks only with a token for these credentials. */
  readonly oauth?: ClientCredentials;
}

/** By integration id. */
export type Partners = Readonly<Record<string, PartnerSetup>>;

export const DEMO_PARTNERS: Partners = {
  skillsoft: { behaviour: 200 },
  percipio: { behaviour: 200 },
  'percipio-oauth': { behaviour: 200, oauth: { client_id: 'demo-client', client_secret: 'demo-client-secret' } },
  'partner-flaky': { behaviour: [503, 200] },
  'partner-refusing': { behaviour: 400 },
  'partner-moved': { behaviour: { status: 302, headers: { location: '/skillsoft' } } },
  'partner-hanging': { behaviour: 'hang', entry: { timeout_seconds: 5, max_retries: 0 } },
  'partner-limited': { behaviour: 200, entry: { max_requests_per_minute: 6 } },
  'partner-down-for-a-day': { behaviour: DOWN_FOR_A_DAY },
  'partner-paused': { behaviour: 200, entry: { paused: true } },
  'partner-recovering': { behaviour: 503 },
  'partner-without-secret': { behaviour: 200, secret: 'none' },
  'partner-inactive': { behaviour: 200, entry: { active: false } },
  n8n: { behaviour: 200, entry: { event_types: ['lead'] } },
  // n8n's response while a workflow is inactive.
  'n8n-inactive': { behaviour: 404, entry: { event_types: ['lead'] } },
  ...FORMAT_PARTNERS,
};

/** The integrations' entries. @param url of the partners' server */
export function entriesOf(partners: Partners, url: string): Record<string, unknown>[] {
  return Object.entries(partners).map(([id, { entry, oauth }]) => ({
    id,
    url: `${url}/${id}`,
    ...(oauth && { auth: { type: 'oauth2_client_credentials', token_url: `${url}/${id}/token` } }),
    ...entry,
  }));
}

/** The secrets' values by integration id, each with its own signing secret; without partners that have no secret. */
export function secretsOf(partners: Partners): Map<string, { readonly signing_secrets: readonly string[] }> {
  const secrets = new Map<string, { readonly signing_secrets: readonly string[] }>();
  for (const [id, { secret, oauth }] of Object.entries(partners)) {
    if (secret !== 'none') secrets.set(id, { signing_secrets: [newSigningSecret()], ...oauth, ...secret });
  }
  return secrets;
}

/** Partners that issue tokens. */
export function oauthClientsOf(partners: Partners): Map<string, ClientCredentials> {
  return new Map(Object.entries(partners).flatMap(([id, { oauth }]) => (oauth === undefined ? [] : [[id, oauth]])));
}
