import type { LedgerRecord } from '../lambdas/contract/ledger.ts';
import type { LedgerTable } from '../lambdas/contract/ledger-ports.ts';
import type { Context } from './context.ts';
import { readDeployed } from './deployed-document.ts';
import { entryOf } from './integrations-document.ts';
import { heldDays, heldSpan, ledgerFailure, openLedger } from './open-ledger.ts';
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
import { TIME_WORDS } from './time-span.ts';

export const REPLAY_USAGE = `usage: npm run replay -- WEBHOOK_ID… | FILTER [--dry-run] [--rate N] [--yes] [--stage NAME]
  sends webhooks anew: the same webhook-id and payload, in a new generation, whatever became of the earlier one
  WEBHOOK_ID…         these, in whatever state they are; what is in flight is left alone. A lead that waits for its moment
                      (scheduled), or whose place another took (cancelled), is sent at once
  FILTER              of those whose payload is still held: at least one of --integration, --state, --error, --since
    --integration ID
    --state STATE     ${REPLAYED_STATES.join(', ')} (default: dead); may be given several times
    --since, --until  by when they were accepted: ${TIME_WORDS}
    --error TEXT      a part of the reason that "npm run ledger" shows
    --all             needed where nothing of these narrows it down: everything that is dead, or in the given states
  --dry-run           says how many, by integration and state, and changes nothing
  --rate N            webhooks a second, 1 to ${HIGHEST_RATE} (default: ${USUAL_RATE})
  --yes               does not ask; one webhook by its id is replayed without a question
  --stage NAME        local (default; the platform that "npm start" runs), dev, staging, prod
  Ctrl-C stops after those at hand; the same command then finds what is left.
  ends with 0 where each was replayed, is in flight already, or was changed by somebody else meanwhile, and where none
  fits; with 1 where somebody said no, something was not sent, or an id is unknown: then nothing is replayed`;

/** `npm run replay`. @throws UsageError; CommandFailed */
export async function replay(words: readonly string[], context: Context): Promise<number> {
  const { print } = context.terminal;
  const read = () => readReplayOptions(words, context.now());
  const stage = await context.openStage(read().stageName);
  // Read again: the clock of a local platform may be ahead.
  const { what, perSecond, isDryRun, isYes } = read();
  const table = openLedger(stage, context);
  const found = await find(stage, table, what, context).catch((thrown: unknown) => {
    throw ledgerFailure(thrown, stage);
  });
  if (found.length === 0) return nothingFound(stage, what, context);
  print(countRows(found));
  const toSend = found.filter(({ isInFlight }) => !isInFlight);
  const toSendWords = `${webhooksWords(toSend)} of stage ${stage.name}`;
  if (isDryRun) {
    print(`${toSendWords} would be replayed: a dry run, nothing is changed`);
    return 0;
  }
  const lasts = durationWords(((found.length - 1) * 1000) / perSecond);
  const question = `Replay ${toSendWords}, ${perSecond} a second, in about ${lasts}?`;
  const isOne = 'ids' in what && found.length === 1;
  if (!(await mayGoOn(question, isYes || isOne || toSend.length === 0, context))) return 1;
  const states = new Map(found.map(({ webhook_id, state }) => [webhook_id, state]));
  const isMeant = (record: LedgerRecord) => states.get(record.webhook_id) === record.state;
  const turns = evenly([...states.keys()], perSecond);
  return runReplay(stage, table, { cause: 'replay', turns, isMeant }, context);
}

type What = ReplayOptions['what'];

async function find(stage: Stage, table: LedgerTable, what: What, context: Context): Promise<readonly Found[]> {
  if ('ids' in what) return findById(table, what.ids, context.now());
  const held = heldSpan(stage, context);
  const { from, until } = what.filter.span;
  return findByFilter(table, { ...what.filter, span: { from: from > held.from ? from : held.from, until } });
}

async function nothingFound(stage: Stage, what: What, { terminal }: Context): Promise<number> {
  const integrationId = 'filter' in what ? what.filter.integrationId : undefined;
  if (integrationId !== undefined) entryOf((await readDeployed(stage)).document, integrationId);
  const { payloadDays } = heldDays(stage);
  terminal.print(
    `no webhook of stage ${stage.name} fits: nothing to replay (payloads are held for ${payloadDays} days)`,
  );
  return 0;
}

function webhooksWords({ length }: readonly Found[]): string {
  return length === 1 ? '1 webhook' : `${number(length)} webhooks`;
}

if (import.meta.main) await runCommand(replay, REPLAY_USAGE);
