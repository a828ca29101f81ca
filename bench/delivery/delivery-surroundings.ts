import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newSigningSecret } from '../../local/demo/signature.ts';
import { TEST_ONLY_CERTIFICATE } from '../../test/support/test-only-certificate.ts';
import { deployIntegrations, startSurroundings } from '../surroundings.ts';
import { type ServerProcess, startServer } from '../worker.ts';
import { INTEGRATION_IDS, MAX_REQUESTS_PER_MINUTE } from './loads.ts';
import type { PartnerUse } from './partner.ts';

/** The services of delivery functions, with one partner for all integrations. */
export interface DeliverySurroundings extends AsyncDisposable {
  /** The function's environment. */
  readonly variables: Readonly<Record<string, string>>;
  readonly partner: ServerProcess<PartnerUse>;
}

const SECRETS_PREFIX = '/bench/integrations/';

/** @throws Error if a part does not start; the others are stopped then */
export async function startDeliverySurroundings({ partnerDelayMs = 0 } = {}): Promise<DeliverySurroundings> {
  await using starting = new AsyncDisposableStack();
  const { plane, variables } = starting.use(await startSurroundings('delivery'));
  const file = new URL('./partner.ts', import.meta.url);
  const partner = starting.use(await startServer<PartnerUse>(file, { PARTNER_DELAY_MS: String(partnerDelayMs) }));
  const url = `https://${partner.address}`;
  const integrations = INTEGRATION_IDS.map((id) => ({
    id,
    url: `${url}/${id}`,
    max_requests_per_minute: MAX_REQUESTS_PER_MINUTE,
  }));
  for (const id of INTEGRATION_IDS) {
    plane.secretsManager.put(`${SECRETS_PREFIX}${id}`, JSON.stringify({ signing_secrets: [newSigningSecret()] }));
  }
  const directory = starting.adopt(mkdtempSync(join(tmpdir(), 'bench-')), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
  const trusted = join(directory, 'trusted.pem');
  writeFileSync(trusted, TEST_ONLY_CERTIFICATE);
  const started = starting.move();
  return {
    partner,
    // Like a deployed stage, except for the allowed networks.
    variables: {
      ...variables,
      ...deployIntegrations(plane, 'integrations', integrations),
      INTEGRATION_SECRETS_PREFIX: SECRETS_PREFIX,
      ALLOW_PLAIN_HTTP: 'false',
      ALLOWED_CIDRS: '127.0.0.0/8,::1/128',
      ALLOWED_PORTS: 'any',
      SLOW_ENDPOINT_ATTEMPTS: '10',
      SENDING_ENVIRONMENTS: '20',
      NODE_EXTRA_CA_CERTS: trusted,
      PARTNER_URL: `${url}/${INTEGRATION_IDS[0]}`,
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}
