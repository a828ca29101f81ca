import { WEBHOOK_STATES } from '../lambdas/contract/ledger.ts';
import { UsageError } from '../local/command-line.ts';
import type { Context } from './context.ts';
import { adoption } from './ledger/adoption.ts';
import { close } from './ledger/close.ts';
import { count } from './ledger/count.ts';
import { forget } from './ledger/forget.ts';
import { last } from './ledger/last.ts';
import { type LedgerWorld, ledgerWorld } from './ledger/ledger-world.ts';
import { list } from './ledger/list.ts';
import {
  type CommonOptions,
  readAdoption,
  readClose,
  readCount,
  readForget,
  readLast,
  readList,
  readShow,
  USUAL_NUMBERS,
  USUAL_SPANS,
} from './ledger/read-words.ts';
import { show } from './ledger/show.ts';
import { ledgerFailure } from './open-ledger.ts';
import { runCommand } from './run-command.ts';
import { TIME_WORDS } from './time-span.ts';

export const LEDGER_USAGE = `usage: npm run ledger -- COMMAND [--stage NAME] [--json]
  show WEBHOOK_ID          what became of one webhook, every try that is kept, and how to send it again
  show --integration ID --event-id EVENT   the same, by the event’s id
      [--payload]          prints the event too, as the LMS sent it: personal data
  last --integration ID    its last webhooks, the latest first   [--number N, default ${USUAL_NUMBERS.last}]
  list --state STATE       all webhooks in one state, the latest first: ${WEBHOOK_STATES.join(', ')}
      [--integration ID] [--error TEXT, a part of the reason] [--number N, default ${USUAL_NUMBERS.list}]
      [--since TIME, default ${USUAL_SPANS.list}] [--until TIME]
  count                    how many, by integration and state
      [--integration ID] [--since TIME, default ${USUAL_SPANS.count}] [--until TIME]
  adoption                 which enterprises’ completions went out with learning time, and since when
      [--integration ID] [--since TIME, default ${USUAL_SPANS.adoption}] [--until TIME]
  forget --user-id N       deletes a learner’s events and what partners answered; the facts without the learner stay
      [--containing TEXT]  those without a readable user id whose payload contains TEXT
      [--dry-run]          says how many, and changes nothing   [--yes] does not ask
  close WEBHOOK_ID…        ends deliveries that stay open, when an operator knows their outcome
      --as STATE           delivered: the partner has it; cancelled: it is not to be sent any more
      --reason TEXT        stays in the ledger   [--dry-run] changes nothing   [--yes] does not ask
  TIME                     by when they were accepted: ${TIME_WORDS}
  --json                   one JSON document instead of words
  --stage NAME             local (default; the platform that "npm start" runs), dev, staging, prod`;

/** `npm run ledger`. @throws UsageError; CommandFailed */
export async function ledger([command, ...words]: readonly string[], context: Context): Promise<number> {
  switch (command) {
    case 'show':
      return asked(() => readShow(words), show, context);
    case 'last':
      return asked(() => readLast(words, context.now()), last, context);
    case 'list':
      return asked(() => readList(words, context.now()), list, context);
    case 'count':
      return asked(() => readCount(words, context.now()), count, context);
    case 'adoption':
      return asked(() => readAdoption(words, context.now()), adoption, context);
    case 'close':
      return asked(() => readClose(words), close, context);
    case 'forget':
      return asked(() => readForget(words), forget, context);
    default:
      throw new UsageError(command === undefined ? 'no command given' : `there is no command ${command}`);
  }
}

type Question<T> = (options: T, world: LedgerWorld, context: Context) => Promise<number>;

async function asked<T extends CommonOptions>(read: () => T, question: Question<T>, context: Context): Promise<number> {
  const stage = await context.openStage(read().stage);
  // Read again: the clock of a local platform may be ahead.
  const options = read();
  try {
    return await question(options, ledgerWorld(stage, options.asJson, context), context);
  } catch (thrown) {
    throw ledgerFailure(thrown, stage);
  }
}

if (import.meta.main) await runCommand(ledger, LEDGER_USAGE);
