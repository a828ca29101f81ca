import { accept, sendAnew } from './entries.ts';
import { deliverBatch, deliverTask, settleOutcome } from './functions.ts';
import type { Answer, Invocation, World } from './world.ts';

/** More steps than any function has. */
export const ALL_STEPS = 99;

export function begin(run: Invocation, world: World): Invocation {
  world.invocations.push(run);
  world.tell(`${run.who}: begins`);
  return run;
}

/** Lets a function go so many steps, or to its end. */
export function walk(run: Invocation, steps: number, answer: () => Answer, world: World): void {
  for (let step = 0; step < steps && world.invocations.includes(run); step += 1) {
    if (run.steps.next(answer()).done) world.invocations.splice(world.invocations.indexOf(run), 1);
  }
}

/** Kills a function, unless it has ended. */
export function kill(run: Invocation | undefined, world: World): void {
  if (run === undefined || !world.invocations.includes(run)) return;
  world.invocations.splice(world.invocations.indexOf(run), 1);
  world.tell(`${run.who}: killed`);
  if (run.unknown !== undefined) world.allowAnother(run.unknown);
  run.afterKill?.();
}

/** Lets time pass; what runs for too long is killed. */
export function pass(toMs: number, world: World): void {
  world.nowMs = Math.max(world.nowMs, toMs);
  for (const run of world.invocations.filter(({ endMs }) => endMs <= world.nowMs)) kill(run, world);
}

/** Sends a webhook anew if it is stuck, and no outcome waits for the ledger. */
export function reconcile(webhookId: string, world: World): void {
  if (world.mode() === 'up' && world.outcomes.length === 0 && world.isStuck(webhookId))
    begin(sendAnew(webhookId, 'republish', world), world);
}

/** Functions that a message or the workflow may call now. */
export function callable(world: World): readonly (() => Invocation)[] {
  const isVisible = ({ visibleAtMs }: { visibleAtMs: number }) => visibleAtMs <= world.nowMs;
  const due = [...world.executions.values()].filter(
    ({ state, dueAtMs }) => state === 'asleep' && dueAtMs <= world.nowMs,
  );
  return [
    ...world.publications.filter(isVisible).map((one) => () => begin(accept(one, world), world)),
    ...world.messages.filter(isVisible).map((one) => () => begin(deliverBatch(one, world), world)),
    ...due.map((one) => () => begin(deliverTask(one, world), world)),
    ...world.outcomes.filter(isVisible).map((one) => () => begin(settleOutcome(one, world), world)),
  ];
}

/** When the next message becomes visible, or the next execution is due; undefined where there is none. */
export function nextTime({ nowMs, publications, messages, outcomes, executions }: World): number | undefined {
  const asleep = [...executions.values()].filter(({ state }) => state === 'asleep');
  const visible = [...publications, ...messages, ...outcomes].map(({ visibleAtMs }) => visibleAtMs);
  const times = [...visible, ...asleep.map(({ dueAtMs }) => dueAtMs)].filter((ms) => ms > nowMs);
  return times.length === 0 ? undefined : Math.min(...times);
}
