import type { Functions } from '../functions.ts';

/** Whom it hits: all that stand between an event and its partner. */
const VICTIMS = ['enrich-batch', 'deliver-batch', 'deliver-task', 'enrich-task'] as const;

export interface Killing {
  /** How many were killed so far. */
  count(): number;
  stop(): void;
}

/** Kills functions from now on, busy ones first, each with SIGKILL, in an order that the seed decides. */
export function killFunctions(functions: Functions, perSecond: number, seed: number): Killing {
  const random = seededRandom(seed);
  let killed = 0;
  const kill = () => {
    const victim = VICTIMS[Math.floor(random() * VICTIMS.length)] as string;
    if (functions.find(victim).killOne() !== undefined) killed += 1;
  };
  const timer = perSecond > 0 ? setInterval(kill, 1000 / perSecond) : undefined;
  return { count: () => killed, stop: () => clearInterval(timer) };
}

/** From 0 to less than 1, the same for the same seed: a linear congruential generator (Numerical Recipes). */
function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
