import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import type { LedgerRecord } from '../../lambdas/ledger/record.ts';
import { readDeployedIntegrations } from '../integration/deployed-integrations.ts';
import { entryOf } from '../integration/integrations-document.ts';
import { mayGoOn } from '../shared/confirm.ts';
import type { Context } from '../shared/context.ts';
import { counted, formatDuration } from '../shared/format.ts';
import { heldDays, heldSpan, ledgerFailure, openLedger } from '../shared/open-ledger.ts';
import { createProgressBar } from '../shared/progress-bar.ts';
import { resolveIds } from '../shared/resolve-ids.ts';
import type { Stage } from '../shared/stage.ts';
import { type Found, findByFilter, findById } from './find-deliveries.ts';
import { evenly } from './pace.ts';
import { countRows, runReplay } from './run-replay.ts';
import { type FilterOptions, type WhatToReplay, whatToReplay } from './what-to-replay.ts';

export interface ReplayOptions extends FilterOptions {
  readonly stage: string;
  /** Deliveries a second. */
  readonly rate: number;
  readonly dryRun?: true | undefined;
  readonly yes?: true | undefined;
}

/**
 * `replay`: 0 where each was replayed, is in flight, or was changed by another actor meanwhile, and where none fits; 1
 * where the operator refused or stopped it, something was not sent, or an id is unknown: then nothing is replayed.
 *
 * @throws UsageError; CommandFailed
 */
export async function replay(ids: readonly string[], options: ReplayOptions, context: Context): Promise<number> {
  const { rate: perSecond, dryRun, yes } = options;
  const { print } = context.terminal;
  whatToReplay(ids, options, context.now());
  const stage = await context.openStage(options.stage);
  // Only now: the clock of a local platform may be ahead.
  const what = whatToReplay(ids, options, context.now());
  const table = openLedger(stage, context);
  const found = await find(stage, table, what, context).catch((thrown: unknown) => {
    throw ledgerFailure(thrown, stage);
  });
  if (found === undefined) {
    print('stopped while it searched: nothing is changed');
    return 1;
  }
  if (found.length === 0) return nothingFound(stage, what, context);
  print(countRows(found));
  const toSend = found.filter(({ isInFlight }) => !isInFlight);
  const toSendWords = `${counted(toSend.length, 'delivery', 'deliveries')} of stage ${stage.name}`;
  if (dryRun) {
    print(`${toSendWords} would be replayed: a dry run, nothing is changed`);
    return 0;
  }
  const lasts = formatDuration(((found.length - 1) * 1000) / perSecond);
  const question = `Replay ${toSendWords}, ${perSecond} a second, in about ${lasts}?`;
  const isOne = 'ids' in what && found.length === 1;
  if (!(await mayGoOn(question, yes || isOne || toSend.length === 0, context))) return 1;
  const states = new Map(found.map(({ webhook_id, state }) => [webhook_id, state]));
  const isMeant = (record: LedgerRecord) => states.get(record.webhook_id) === record.state;
  const turns = evenly([...states.keys()], perSecond);
  return runReplay(stage, table, { cause: 'replay', turns, isMeant }, context);
}

/** Undefined where the operator stopped it. */
async function find(
  stage: Stage,
  table: LedgerTable,
  what: WhatToReplay,
  context: Context,
): Promise<readonly Found[] | undefined> {
  if ('ids' in what) {
    const ids = await resolveIds(what.ids, { table, stage, now: context.now });
    return findById(table, ids, context.now());
  }
  const held = heldSpan(stage, context);
  const { from, until } = what.filter.span;
  const filter = { ...what.filter, span: { from: from > held.from ? from : held.from, until } };
  const { terminal, now, noteInterruption } = context;
  const interruption = noteInterruption();
  const stop = new AbortController();
  void interruption.requested.then(() => stop.abort());
  const progress = createProgressBar({ unit: 'rows read', output: terminal.progress, now });
  let rowsRead = 0;
  const report = (rows: number) => {
    rowsRead += rows;
    progress.report(rowsRead);
  };
  try {
    const found = await findByFilter(table, filter, { report, signal: stop.signal });
    return interruption.isRequested() ? undefined : found;
  } finally {
    interruption.ignore();
    progress.end();
  }
}

async function nothingFound(stage: Stage, what: WhatToReplay, { terminal }: Context): Promise<number> {
  const integrationId = 'filter' in what ? what.filter.integrationId : undefined;
  if (integrationId !== undefined) entryOf((await readDeployedIntegrations(stage)).document, integrationId);
  const { payloadDays } = heldDays(stage);
  terminal.print(
    `no delivery of stage ${stage.name} fits: nothing to replay (payloads are held for ${payloadDays} days)`,
  );
  return 0;
}
