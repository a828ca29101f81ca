import type { LedgerTable } from '../lambdas/contract/ledger-ports.ts';
import type { Context } from './context.ts';
import { readDeployed } from './deployed-document.ts';
import { entryOf } from './integrations-document.ts';
import { openLedger } from './open-ledger.ts';
import { mayGoOn } from './replay/ask-first.ts';
import { countRows, durationWords, number } from './replay/describe-replay.ts';
import { type Found, findByFilter, findById } from './replay/find-webhooks.ts';
import { evenly } from './replay/pace.ts';
import {
  HIGHEST_RATE,
  REPLAYED_STATES,
  type ReplayOptions,
  readReplayOptions,
  USUAL_RATE,
} from './replay/read-options.ts';
import { runReplay } from './replay/run-replay.ts';
import { runCommand } from './run-command.ts';
import type { Stage } from './stage.ts';

export const REPLAY_USAGE = `usage: npm run replay -- WEBHOOK_ID… | FILTER [--dry-run] [--rate N] [--yes] [--stage NAME]
  sends webhooks anew: the same webhook-id and payload, in a new generation, whatever became of the earlier one
  WEBHOOK_ID…         these, in whatever state they are
  FILTER              at least one of --integration, --state, --error and --since
    --integration ID
    --state STATE     ${REPLAYED_STATES.join(', ')} (default: dead); may be given several times
    --since, --until  by when they were accepted: 2026-01-15T12:00:00Z, or 30m, 12h, 7d ago
    --error TEXT      a part of the reason that "npm run ledger" shows
    --all             instead: everything in that state
  --dry-run           says how many, by integration and state, and changes nothing
  --rate N            webhooks a second, 1 to ${HIGHEST_RATE} (default: ${USUAL_RATE})
  --yes               does not ask; one webhook by its id is replayed without a question
  --stage NAME        local (default; the platform that "npm start" runs), dev, staging, prod
  Ctrl-C stops after those at hand; the same command then finds what is left.
  ends with 0 where each was replayed, or is in flight already, or was changed by somebody else meanwhile; else with 1`;

/** `npm run replay`. @throws UsageError; CommandFailed */
export async function replay(words: readonly string[], context: Context): Promise<number> {
  const options = readReplayOptions(words, context.now());
  const stage = await context.openStage(options.stageName);
  return replayFrom(stage, openLedger(stage), options, context);
}

/** The same, once the words are read and the ledger is open. @returns the exit status. @throws CommandFailed */
export async function replayFrom(
  stage: Stage,
  table: LedgerTable,
  { what, perSecond, isDryRun, isYes }: ReplayOptions,
  context: Context,
): Promise<number> {
  const { print } = context.terminal;
  const found = 'ids' in what ? await findById(table, what.ids) : await findByFilter(table, what.filter);
  if (found.length === 0) return nothingFound(stage, what, context);
  print(countRows(found));
  if (isDryRun) {
    print(`${webhooksWords(found)} of stage ${stage.name} would be replayed: a dry run, nothing is changed`);
    return 0;
  }
  const lasts = durationWords(((found.length - 1) * 1000) / perSecond);
  const question = `Replay ${webhooksWords(found)} of stage ${stage.name}, ${perSecond} a second, in about ${lasts}?`;
  const isOne = 'ids' in what && found.length === 1;
  if (!(await mayGoOn(question, isYes || isOne, context))) return 1;
  const turns = evenly(
    found.map(({ webhook_id }) => webhook_id),
    perSecond,
  );
  const states = new Map(found.map(({ webhook_id, state }) => [webhook_id, state]));
  const isMeant = (record: Found) => states.get(record.webhook_id) === record.state;
  return runReplay(stage, table, { cause: 'replay', turns, isMeant }, context);
}

async function nothingFound(stage: Stage, what: ReplayOptions['what'], { terminal }: Context): Promise<number> {
  const integrationId = 'filter' in what ? what.filter.integrationId : undefined;
  if (integrationId !== undefined) entryOf((await readDeployed(stage)).document, integrationId);
  terminal.print(`no webhook of stage ${stage.name} fits: nothing to replay`);
  return 0;
}

function webhooksWords({ length }: readonly Found[]): string {
  return length === 1 ? '1 webhook' : `${number(length)} webhooks`;
}

if (import.meta.main) await runCommand(replay, REPLAY_USAGE);
