import type { Delivery } from '../../lambdas/events/delivery.ts';
import { newDelivery } from '../../lambdas/events/progress.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { type IntegrationRegistry, readIntegrations } from '../../lambdas/partners/integration-registry.ts';
import { findStage } from '../../lib/stage.ts';
import { deployIntegrations, output } from '../../local/demo/operator.ts';
import { completion, LEARNER } from '../../local/demo/sample-events.ts';
import { newSigningSecret } from '../../local/demo/signature.ts';
import { type Platform, startPlatform } from '../../local/platform.ts';
import { LOCAL_STACK } from '../../local/synthesize.ts';
import { changedAssembly } from '../changed-assembly.ts';
import { accept } from '../delivery/messages.ts';
import { type RecordingPartner, startRecordingPartner } from '../whole-pipeline.ts';

/** The running stack, with partners in a separate process. */
export interface FairnessPipeline extends AsyncDisposable {
  readonly platform: Platform;
  readonly partner: RecordingPartner;
  integration(id: string): Integration;
  /** A new delivery as EnrichBatch would send it. */
  newDelivery(integrationId: string): Delivery;
}

/** @throws Error if a part does not start; the others are stopped then */
export async function startFairnessPipeline(
  assemblyDirectory: string,
  partnerIds: readonly string[],
): Promise<FairnessPipeline> {
  await using starting = new AsyncDisposableStack();
  const assembly = starting.adopt(boundedAssembly(assemblyDirectory), ({ remove }) => remove());
  const partner = starting.use(await startRecordingPartner());
  const platform = starting.adopt(
    await startPlatform({ assemblyDirectory: assembly.directory, stackName: LOCAL_STACK }),
    ({ stop }) => stop(),
  );
  const registry = addIntegrations(platform, partnerIds, partner.url);
  let events = 0;
  const started = starting.move();
  return {
    platform,
    partner,
    integration: (id) => registry.byId.get(id) as Integration,
    newDelivery(id) {
      events += 1;
      const subject = accept(completion(`event-${events}`, id, LEARNER.known), registry);
      return newDelivery(subject, { status: 'not_enriched', reason: 'no_data' });
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  };
}

/**
 * The local stage's assembly with the concurrency that staging reserves for the delivery functions. The local stage
 * reserves none, so attempts that hang in the workflow would take processes from the shared queue's function.
 */
function boundedAssembly(assemblyDirectory: string) {
  const { deliverBatch, deliverTask } = findStage('staging').functions;
  const reserved = new Map<unknown, number | undefined>([
    ['deliver-batch.handler', deliverBatch.reservedConcurrency],
    ['deliver-task.handler', deliverTask.reservedConcurrency],
  ]);
  return changedAssembly(assemblyDirectory, ({ Resources }) => {
    for (const { Type, Properties } of Object.values(Resources)) {
      const concurrency = Type === 'AWS::Lambda::Function' ? reserved.get(Properties.Handler) : undefined;
      if (concurrency !== undefined) Properties.ReservedConcurrentExecutions = concurrency;
    }
  });
}

function addIntegrations(platform: Platform, ids: readonly string[], url: string): IntegrationRegistry {
  const prefix = output(platform, 'IntegrationSecretsPrefix');
  // Before the entries: functions do not retry a missing secret at once.
  for (const id of ids) {
    platform.secrets.create(`${prefix}${id}`, JSON.stringify({ signing_secrets: [newSigningSecret()] }));
  }
  const integrations = ids.map((id) => ({ id, url: `${url}/${id}` }));
  deployIntegrations(platform, integrations);
  return readIntegrations(JSON.stringify({ integrations }), undefined);
}
