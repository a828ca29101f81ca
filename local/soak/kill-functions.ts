import type { Functions } from '../functions.ts';

/** Whom it hits: all that stand between an event and its partner. */
const VICTIMS = ['enrich-batch', 'deliver-batch', 'deliver-task', 'enrich-task'] as const;

export interface Killing {
  /** How many were killed so far. */
  count(): number;
  stop(): void;
}

/** Kills functions at random from now on, busy ones first, each with SIGKILL: nothing is cleaned up, nothing is said. */
export function killFunctions(functions: Functions, perSecond: number): Killing {
  let killed = 0;
  const kill = () => {
    const victim = VICTIMS[Math.floor(Math.random() * VICTIMS.length)] as string;
    if (functions.find(victim).killOne() !== undefined) killed += 1;
  };
  const timer = perSecond > 0 ? setInterval(kill, 1000 / perSecond) : undefined;
  return { count: () => killed, stop: () => clearInterval(timer) };
}
