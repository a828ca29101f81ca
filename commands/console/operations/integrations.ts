import * as z from 'zod';
import { KINDS } from '../../../lambdas/events/event-types/event-types.ts';
import type { Integration } from '../../../lambdas/partners/integration.ts';
import { chunksOf } from '../../../lambdas/shared/chunks.ts';
import { readDeployedIntegrations } from '../../integration/deployed-integrations.ts';
import { readIntegrationHealth } from '../../integration/integration-health.ts';
import { howToReadSigningSecret } from '../../integration/integration-secrets.ts';
import { entryFaults, entryOf, readEntry } from '../../integration/integrations-document.ts';
import { listedDocument } from '../../integration/list.ts';
import { neededSecrets } from '../../integration/needed-secrets.ts';
import { retrySchedules } from '../../integration/retry-schedule.ts';
import { readSecretState, type SecretState } from '../../integration/secret-state.ts';
import { readIntegrations } from '../../status/read-integrations.ts';
import { operation } from '../operation.ts';

/** Secrets that are read in parallel. */
const IN_PARALLEL = 10;

const idSchema = z.string().max(200);
const someSchema = z.strictObject({ /** Undefined: all. */ id: idSchema.optional() });

/** What `./ltw integration list --json` prints. */
export const readRegistry = operation(z.strictObject({}), async (_input, { stage }) =>
  listedDocument((await readDeployedIntegrations(stage)).document),
);

/** The integrations of `./ltw status --json`. */
export const readIntegrationStatus = operation(someSchema, async ({ id }, { stage, now }) =>
  readIntegrations(stage, now(), id),
);

/** What `./ltw integration validate` reads of the secrets. Values of a secret never leave this function. */
export const readSecretStates = operation(someSchema, async ({ id }, { stage, now, signal }) => {
  const { document } = await readDeployedIntegrations(stage);
  const integrations = document.entries.flatMap((entry) => {
    const read = readEntry(entry);
    return 'integration' in read && (id === undefined || read.integration.id === id) ? [read.integration] : [];
  });
  const states: SecretState[] = [];
  for (const some of chunksOf(integrations, IN_PARALLEL)) {
    signal.throwIfAborted();
    states.push(...(await Promise.all(some.map((one) => readSecretState(stage, one, now())))));
  }
  return states;
});

/** One entry, and its schedules as `./ltw retry-schedule --json` prints them. */
export const readIntegration = operation(z.strictObject({ id: idSchema }), async ({ id }, { stage, now }) => {
  const { document } = await readDeployedIntegrations(stage);
  const entry = entryOf(document, id);
  const read = readEntry(entry);
  return {
    id,
    is_all_paused: document.fields.paused === true,
    faults: entryFaults(entry),
    entry: 'integration' in read ? fieldsOf(read.integration) : null,
    /** The keys of the secret that hold the partner's credentials, as "integration change-credentials" asks for them. */
    credentials: 'integration' in read ? neededSecrets(read.integration).map(({ path }) => path.join('.')) : [],
    schedules: 'integration' in read ? retrySchedules(read.integration, KINDS, now()) : [],
    /** A command of the AWS CLI that prints the newest signing secret. */
    read_signing_secret: howToReadSigningSecret(stage, id),
  };
});

/** Success, stored state and the reasons of waiting deliveries. */
export const readHealth = operation(z.strictObject({ id: idSchema }), async ({ id }, { stage, now }) =>
  readIntegrationHealth(stage, id, now()),
);

/** What the page shows of an entry. Of the URL the host only, and of headers the names: both may hold what is secret. */
function fieldsOf(integration: Integration) {
  const { url, auth, headers, contacts, active, paused, resumed_at, client_certificate, payload_format } = integration;
  const { max_requests_per_minute, timeout_seconds, event_types, enterprise_customer_uuid, region } = integration;
  return {
    ...{ host: new URL(url).host, auth: auth.type, active, paused, payload_format, client_certificate, region },
    token_host: auth.type === 'oauth2_client_credentials' ? new URL(auth.token_url).host : null,
    headers: headers.map(({ name }) => name),
    encrypted_fields: integration.encrypted_fields,
    contacts: contacts.length,
    event_types: event_types ?? null,
    enterprise_customer_uuid: enterprise_customer_uuid ?? null,
    max_requests_per_minute: max_requests_per_minute ?? null,
    timeout_seconds,
    resumed_at: resumed_at ?? null,
  };
}
