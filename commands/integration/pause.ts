import type { Context } from '../context.ts';
import { type Change, deployChange, POLL_INTERVAL_MS } from '../deployed-document.ts';
import { untilServed } from '../deployments.ts';
import { entryOf, withAllPaused, withChangedEntry } from '../integrations-document.ts';

export interface PauseOptions {
  readonly stage: string;
  /** Undefined: all of them together. */
  readonly id: string | undefined;
}

/** `integration pause`: from now on events sleep, and spend no try. */
export async function pause({ stage, id }: PauseOptions, context: Context): Promise<number> {
  const edit: Change['edit'] = (document) => {
    const paused = id === undefined ? document.fields.paused : entryOf(document, id).paused;
    if (paused === true) return undefined;
    return id === undefined ? withAllPaused(document, true) : withChangedEntry(document, id, { paused: true });
  };
  const whose = id === undefined ? 'all integrations' : `integration ${id}`;
  return deployAtOnce(stage, edit, `pause ${whose}`, `${whose}: paused already`, context);
}

/** `integration resume`: of one, all that was known of its endpoint (gone, failing) is forgotten too. */
export async function resume({ stage, id }: PauseOptions, context: Context): Promise<number> {
  const { print } = context.terminal;
  const resumedAt = new Date(context.now()).toISOString();
  const edit: Change['edit'] = (document) => {
    if (id === undefined) {
      if (document.fields.paused !== true) return undefined;
      return withAllPaused(document, false);
    }
    const changed = withChangedEntry(document, id, { paused: false, resumed_at: resumedAt });
    if (document.fields.paused === true) {
      print('All integrations are paused together, and stay so: "npm run integration -- resume --all" ends it.');
    }
    if (entryOf(document, id).active === false) print(`Integration ${id} is not active, and gets nothing.`);
    return changed;
  };
  const whose = id === undefined ? 'all integrations' : `integration ${id}`;
  return deployAtOnce(stage, edit, `resume ${whose}`, `${whose}: not paused together`, context);
}

async function deployAtOnce(
  stageName: string,
  edit: Change['edit'],
  description: string,
  nothingToDo: string,
  context: Context,
): Promise<number> {
  const { print } = context.terminal;
  const stage = await context.openStage(stageName);
  const deployment = await deployChange(stage, { edit, description }, context);
  if (deployment === undefined) {
    print(`nothing to do: ${nothingToDo}`);
    return 0;
  }
  await untilServed(stage, deployment, context);
  print(`done: ${description} (stage ${stage.name}). Functions notice within ${POLL_INTERVAL_MS / 1000} s.`);
  return 0;
}
