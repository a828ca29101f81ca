import fc from 'fast-check';
import { ALL_STEPS, begin, callable, kill, nextTime, pass, reconcile, walk } from './calls.ts';
import { sendAnew } from './entries.ts';
import { type Answer, SECOND, STUCK_AFTER_MS, type TableMode, World } from './world.ts';

export const WEBHOOKS = ['wh_1', 'wh_2'] as const;

/** The LMS publishes an event so often at the most. */
const MOST_PUBLICATIONS = 3;

/**
 * `call`: a function begins, and is killed after so many steps unless it has ended; `begin`: it begins, and others may
 * begin beside it; `steps`: it goes on. What a sender sends anew is a `replay` or found by `reconcile`.
 */
const OFTEN = ['call', 'steps', 'wait', 'pass', 'begin', 'kill'] as const;
const SELDOM = ['publish', 'copy', 'redrive'] as const;
/** `table`: it fails, loses its responses or is up again; `copy_outcome`: a message of the outcomes queue comes twice. */
export type Trouble = 'replay' | 'reconcile' | 'table' | 'copy_outcome';

/** One thing that happens, if it can. */
interface Move {
  readonly what: (typeof OFTEN)[number] | (typeof SELDOM)[number] | Trouble;
  /** Which one, of those that there are. */
  readonly pick: number;
  readonly steps: number;
  readonly answer: Answer;
  readonly seconds: number;
}

export interface Script {
  readonly moves: readonly Move[];
  /** What gate and partner say when nobody is killed any more, over and over. */
  readonly lastAnswers: readonly Answer[];
}

/** Scripts in which gate and partner answer as given. */
export function scripts(answers: readonly Answer[], sentAnew: readonly Trouble[]): fc.Arbitrary<Script> {
  const [call, steps, wait, ...others] = OFTEN;
  const answer = fc.constantFrom(...answers);
  const what = fc.oneof(
    { weight: 10, arbitrary: fc.constant(call) },
    { weight: 5, arbitrary: fc.constant(steps) },
    { weight: 4, arbitrary: fc.constant(wait) },
    { weight: 5, arbitrary: fc.constantFrom(...others) },
    { weight: 2, arbitrary: fc.constantFrom(...SELDOM, ...sentAnew) },
  );
  const move = fc.record({
    what,
    pick: fc.nat(7),
    steps: fc.oneof(fc.constant(ALL_STEPS), fc.nat(8)),
    answer,
    seconds: fc.constantFrom(1, 10, 41, 181, 2000),
  });
  return fc.record({
    moves: fc.array(move, { maxLength: 60, size: 'max' }),
    lastAnswers: fc.array(answer, { minLength: 1, maxLength: 5 }),
  });
}

/** Lets a script happen, and then come to its end whatever is begun. */
export function play({ moves, lastAnswers }: Script, hasReconciler: boolean): World {
  const world = new World();
  const published = new Map<string, number>();
  publish(WEBHOOKS[0], published, world);
  for (const move of moves) make(move, published, world);
  world.table = 'up';
  world.tell('from now on nobody is killed, and the table is up');
  calmDown(lastAnswers, hasReconciler, world);
  return world;
}

function publish(webhookId: string, published: Map<string, number>, world: World): void {
  const times = published.get(webhookId) ?? 0;
  if (times === MOST_PUBLICATIONS) return;
  published.set(webhookId, times + 1);
  world.publications.push({ body: webhookId, visibleAtMs: world.nowMs });
}

function make({ what, pick, steps, answer, seconds }: Move, published: Map<string, number>, world: World): void {
  const chosen = <T>(list: readonly T[]): T | undefined => list[pick % list.length];
  const webhookId = chosen(WEBHOOKS) as string;
  const running = chosen(world.invocations);
  const happen: Readonly<Record<Move['what'], () => void>> = {
    call() {
      const called = chosen(callable(world))?.();
      if (called !== undefined) walk(called, steps, () => answer, world);
      kill(called, world);
    },
    begin: () => chosen(callable(world))?.(),
    steps: () => running && walk(running, steps, () => answer, world),
    kill: () => kill(running, world),
    wait: () => pass(nextTime(world) ?? world.nowMs, world),
    pass: () => pass(world.nowMs + seconds * SECOND, world),
    publish: () => publish(webhookId, published, world),
    copy() {
      const message = chosen(world.messages);
      if (message !== undefined) world.messages.push({ ...message });
    },
    redrive() {
      for (const letter of world.letters.splice(pick, 1)) world.send(letter);
    },
    table() {
      world.table = chosen(['up', 'failed', 'lost', 'up'] as const) as TableMode;
      world.tell(`the table: ${world.table}`);
    },
    copy_outcome() {
      const outcome = chosen(world.outcomes);
      if (outcome !== undefined) world.outcomes.push({ ...outcome });
    },
    replay: () => begin(sendAnew(webhookId, 'replay', world), world),
    reconcile: () => reconcile(webhookId, world),
  };
  happen[what]();
}

/** After so many answers the partner is well, as otherwise some things might never end. */
const MOST_LAST_ANSWERS = 60;

/** More than any script takes to come to rest. */
const MOST_ROUNDS = 2000;

function calmDown(lastAnswers: readonly Answer[], hasReconciler: boolean, world: World): void {
  let asked = 0;
  const answer = () => {
    asked += 1;
    return asked > MOST_LAST_ANSWERS ? 'delivered' : (lastAnswers[asked % lastAnswers.length] as Answer);
  };
  for (let round = 0; round < MOST_ROUNDS; round += 1) {
    for (const run of [...world.invocations]) walk(run, ALL_STEPS, answer, world);
    const call = callable(world)[0];
    const comesMs = nextTime(world);
    if (call !== undefined) call();
    else if (comesMs !== undefined) pass(comesMs, world);
    else {
      const open = [...world.events.keys()].filter((webhookId) => !hasEnded(webhookId, world));
      if (open.length === 0 || !hasReconciler) return;
      pass(world.nowMs + STUCK_AFTER_MS, world);
      for (const webhookId of open) reconcile(webhookId, world);
    }
  }
  world.faults.push('it does not come to rest');
}

export function hasEnded(webhookId: string, { records }: World): boolean {
  const state = records.get(webhookId)?.state;
  return state === 'delivered' || state === 'dead';
}
