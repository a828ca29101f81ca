/** A state of an ASL definition (JSONPath), as far as the local platform reads it. */
export interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly [field: string]: unknown;
}

export interface Definition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
  readonly TimeoutSeconds?: number;
  readonly [field: string]: unknown;
}

/** The longest timeout that the engine's timer can hold, in seconds. By default it ends a task after a minute. */
const MAX_TASK_SECONDS = Math.floor((2 ** 31 - 1) / 1000);

/** Every state of a definition by name, those inside `Parallel` and `Map` too. ASL wants names unique over all. */
export function allStates(definition: Pick<Definition, 'States'>): Map<string, State> {
  const states = new Map<string, State>();
  for (const [name, state] of Object.entries(definition.States)) {
    states.set(name, state);
    for (const inner of innerDefinitions(state)) for (const entry of allStates(inner)) states.set(...entry);
  }
  return states;
}

function innerDefinitions(state: State): Definition[] {
  return [state.Branches, state.Iterator, state.ItemProcessor].flat().filter(Boolean) as Definition[];
}

/**
 * A copy of a definition for an engine that has no clock of the platform: each `Wait` becomes a `Task`, and no state and no
 * execution has a timeout. The platform waits and ends them itself.
 */
export function withoutTimes<D extends Partial<Definition>>(definition: D): D {
  const { TimeoutSeconds: _, ...rest } = definition;
  const states = Object.entries(definition.States ?? {}).map(([name, state]) => [name, stateWithoutTimes(state)]);
  return { ...rest, States: Object.fromEntries(states) } as D;
}

function stateWithoutTimes(state: State): State {
  const { Seconds, SecondsPath, Timestamp, TimestampPath, TimeoutSeconds, ...rest } = state;
  if (state.Type === 'Wait') return { ...rest, Type: 'Task', Resource: 'local:wait', TimeoutSeconds: MAX_TASK_SECONDS };
  const inner = (value: unknown) => withoutTimes(value as Definition);
  return {
    ...(state.Type === 'Task' ? { ...rest, TimeoutSeconds: MAX_TASK_SECONDS } : state),
    ...(state.Branches !== undefined && { Branches: (state.Branches as unknown[]).map(inner) }),
    ...(state.Iterator !== undefined && { Iterator: inner(state.Iterator) }),
    ...(state.ItemProcessor !== undefined && { ItemProcessor: inner(state.ItemProcessor) }),
  };
}

/**
 * How long a `Wait` state takes for an input, in milliseconds.
 *
 * @throws Error where a path is not a plain reference path (`$.a.b`) or finds nothing of the right type
 */
export function waitMs(state: State, input: unknown, nowMs = Date.now()): number {
  const ms = unboundedWaitMs(state, input, nowMs);
  if (!Number.isFinite(ms)) throw new Error('a Wait state finds no time in its input');
  return Math.max(0, ms);
}

function unboundedWaitMs(state: State, input: unknown, nowMs: number): number {
  if (state.Seconds !== undefined) return Number(state.Seconds) * 1000;
  if (state.SecondsPath !== undefined) return Number(atPath(input, String(state.SecondsPath))) * 1000;
  const timestamp = state.Timestamp ?? atPath(input, String(state.TimestampPath));
  return Date.parse(String(timestamp)) - nowMs;
}

function atPath(input: unknown, path: string): unknown {
  if (!/^\$(\.[A-Za-z_]\w*)*$/.test(path)) throw new Error(`the local platform cannot read the path ${path}`);
  const keys = path.split('.').slice(1);
  return keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], input);
}
