import type { Delivery } from '../../lambdas/contract/delivery.ts';
import type { Integration } from '../../lambdas/contract/integration.ts';
import { acceptEvent } from '../../lambdas/domain/accept-event.ts';
import { type IntegrationBook, readIntegrations } from '../../lambdas/domain/integrations.ts';
import { newDelivery } from '../../lambdas/domain/progress.ts';
import { deployIntegrations, output } from '../../local/demo/operator.ts';
import { completion, LEARNER } from '../../local/demo/sample-events.ts';
import { newSigningSecret } from '../../local/demo/signature.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { LOCAL_STACK } from '../../local/synthesize.ts';
import { startChild } from '../child.ts';
import { boundedAssembly } from './bounded-assembly.ts';

/** The synthesized stack, running, with partners in a process of their own. */
export interface Pipeline {
  readonly platform: Platform;
  integration(id: string): Integration;
  /** A delivery as EnrichBatch would send it, unlike any other. */
  newDelivery(integrationId: string): Delivery;
  /** From now on this partner takes requests and never answers. */
  hang(integrationId: string): Promise<void>;
  /** When each webhook was received first, epoch ms, by its id. */
  arrivals(): Promise<ReadonlyMap<string, number>>;
  stop(): Promise<void>;
}

/** @throws Error where a part does not start; the others are stopped then */
export async function startPipeline(assemblyDirectory: string, partnerIds: readonly string[]): Promise<Pipeline> {
  const assembly = boundedAssembly(assemblyDirectory);
  const partner = startChild(new URL('../recording-partner.ts', import.meta.url));
  let platform: Platform | undefined;
  const stop = async () => {
    await Promise.all([platform?.stop(), partner.stop()]);
    assembly.remove();
  };
  try {
    const url = `http://127.0.0.1:${await partner.next()}`;
    platform = await startPlatform({ assemblyDirectory: assembly.directory, stackName: LOCAL_STACK });
    const book = addIntegrations(platform, partnerIds, url);
    const deliver = deliveries(book);
    return {
      platform,
      integration: (id) => book.byId.get(id) as Integration,
      newDelivery: deliver,
      async hang(id) {
        await partner.ask({ hang: `/${id}` });
      },
      arrivals: async () => new Map(((await partner.ask('arrivals')) as [string, number][]).toReversed()),
      stop,
    };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

function addIntegrations(platform: Platform, ids: readonly string[], url: string): IntegrationBook {
  const prefix = output(platform, 'IntegrationSecretsPrefix');
  // Before their entries: a secret that was not found is not asked for again at once.
  for (const id of ids) {
    platform.secrets.create(`${prefix}${id}`, JSON.stringify({ signing_secrets: [newSigningSecret()] }));
  }
  const integrations = ids.map((id) => ({ id, url: `${url}/${id}` }));
  deployIntegrations(platform, integrations);
  return readIntegrations(JSON.stringify({ integrations }), undefined);
}

function deliveries(book: IntegrationBook): Pipeline['newDelivery'] {
  let events = 0;
  return (integrationId) => {
    events += 1;
    const event = completion(`event-${events}`, integrationId, LEARNER.known);
    const acceptance = acceptEvent(JSON.stringify(event), book, Date.now());
    if (acceptance.verdict !== 'accepted') throw new Error(acceptance.reason);
    return newDelivery(acceptance.subject, { status: 'plain', reason: 'no_data' });
  };
}
