import { type Change, POLL_INTERVAL_MS } from '../appconfig/deployed-document.ts';
import { findParked, type Parked } from '../replay/find-parked.ts';
import { evenly, together } from '../replay/pace.ts';
import { runReplay } from '../replay/run-replay.ts';
import type { Context } from '../shared/context.ts';
import { alignColumns, formatDuration, formatNumber } from '../shared/format.ts';
import { heldSpan, ledgerFailure, openLedger } from '../shared/open-ledger.ts';
import type { Stage } from '../shared/stage.ts';
import { readDeployedIntegrations } from './deployed-integrations.ts';
import { entryOf, type IntegrationsDocument, withAllPaused, withChangedEntry } from './integrations-document.ts';
import { deployAtOnce, type PauseOptions } from './pause.ts';

export interface ResumeOptions extends PauseOptions {
  /** Releases parked deliveries now; else they wait until they are due, or until the reconciler releases them. */
  readonly release: boolean;
}

/**
 * `integration resume`: for a single integration it also resets that its endpoint is gone, failing or without a valid
 * certificate. Then parked deliveries are released at the integration's rate limit.
 */
export async function resume(
  { stage: stageName, id, release: isReleasing }: ResumeOptions,
  context: Context,
): Promise<number> {
  const { print } = context.terminal;
  const resumedAt = new Date(context.now()).toISOString();
  const stage = await context.openStage(stageName);
  const edit: Change<IntegrationsDocument>['edit'] = (document) => {
    if (id === undefined) {
      if (document.fields.paused !== true) return undefined;
      return withAllPaused(document, false);
    }
    const changed = withChangedEntry(document, id, { paused: false, resumed_at: resumedAt });
    if (document.fields.paused === true) {
      print(
        `All integrations are paused together, and stay paused: "./ltw integration resume --all --stage ${stage.name}" ends it.`,
      );
    }
    if (entryOf(document, id).active === false) print(`Integration ${id} is not active, and receives nothing.`);
    return changed;
  };
  const whose = id === undefined ? 'all integrations' : `integration ${id}`;
  const isDeployed = await deployAtOnce(stage, edit, `resume ${whose}`, `${whose}: not paused together`, context);
  return isReleasing ? release(stage, id, isDeployed, context) : 0;
}

async function release(stage: Stage, id: string | undefined, isDeployed: boolean, context: Context): Promise<number> {
  const { terminal, sleep } = context;
  if (isDeployed) {
    const waitSeconds = POLL_INTERVAL_MS / 1000;
    terminal.print(
      `Parked deliveries are released in ${waitSeconds} s: a function that has not noticed yet would park them again.`,
    );
    await sleep(POLL_INTERVAL_MS);
  }
  const { document } = await readDeployedIntegrations(stage);
  const table = openLedger(stage, context);
  const parked = await findParked(table, document, id, heldSpan(stage, context)).catch((thrown: unknown) => {
    throw ledgerFailure(thrown, stage);
  });
  if (parked.length === 0) {
    terminal.print('There are no parked deliveries to release.');
    return 0;
  }
  terminal.print(formatParked(parked));
  const turns = together(parked.map(({ webhookIds, perSecond }) => evenly(webhookIds, perSecond)));
  const order = { cause: 'release', turns, isMeant: ({ state }: { state: string }) => state === 'parked' } as const;
  return runReplay(stage, table, order, context);
}

function formatParked(parked: readonly Parked[]): string {
  const rows = parked.map(({ integrationId, webhookIds, perSecond }) => [
    ...[integrationId, formatNumber(webhookIds.length), formatNumber(perSecond * 60)],
    formatDuration(((webhookIds.length - 1) * 1000) / perSecond),
  ]);
  return alignColumns([['integration', 'parked', 'per minute', 'takes'], ...rows]);
}
