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

interface Retrier {
  readonly IntervalSeconds?: number;
  readonly MaxDelaySeconds?: number;
}

/** Longest delay of a timer, in milliseconds: Node ends a longer one at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
const MAX_TIMER_SECONDS = Math.floor(MAX_TIMER_MS / 1000);

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
 * A copy of a definition with every wait divided by `timeScale`: retry intervals and the execution's own timeout here;
 * each `Wait` becomes a `Task`, for which the platform computes the divided time from its input. How long a task may
 * take is not scaled, since its work is not.
 */
export function scaleDefinition<D extends Partial<Definition>>(definition: D, timeScale: number): D {
  const states = Object.entries(definition.States ?? {}).map(([name, state]) => [name, scaleState(state, timeScale)]);
  const { TimeoutSeconds, ...rest } = definition;
  const timeout = TimeoutSeconds === undefined ? undefined : TimeoutSeconds / timeScale;
  return {
    ...rest,
    States: Object.fromEntries(states),
    ...(timeout !== undefined && timeout <= MAX_TIMER_SECONDS && { TimeoutSeconds: timeout }),
  } as D;
}

function scaleState(state: State, timeScale: number): State {
  const { Seconds, SecondsPath, Timestamp, TimestampPath, ...rest } = state;
  if (state.Type === 'Wait') {
    return { ...rest, Type: 'Task', Resource: 'local:wait', TimeoutSeconds: MAX_TIMER_SECONDS };
  }
  const inner = (value: unknown) => scaleDefinition(value as Definition, timeScale);
  return {
    ...state,
    ...(state.Retry !== undefined && { Retry: (state.Retry as Retrier[]).map((one) => scaleRetrier(one, timeScale)) }),
    ...(state.Branches !== undefined && { Branches: (state.Branches as unknown[]).map(inner) }),
    ...(state.Iterator !== undefined && { Iterator: inner(state.Iterator) }),
    ...(state.ItemProcessor !== undefined && { ItemProcessor: inner(state.ItemProcessor) }),
  };
}

function scaleRetrier(retrier: Retrier, timeScale: number): Retrier {
  const { IntervalSeconds = 1, MaxDelaySeconds } = retrier;
  return {
    ...retrier,
    IntervalSeconds: IntervalSeconds / timeScale,
    ...(MaxDelaySeconds !== undefined && { MaxDelaySeconds: MaxDelaySeconds / timeScale }),
  };
}

/**
 * How long a `Wait` state takes for an input, in milliseconds of scaled time.
 *
 * @throws Error where a path is not a plain reference path (`$.a.b`) or finds nothing of the right type
 */
export function waitMs(state: State, input: unknown, timeScale: number): number {
  const unscaledMs = unscaledWaitMs(state, input);
  if (!Number.isFinite(unscaledMs)) throw new Error('a Wait state finds no time in its input');
  return Math.min(Math.max(0, unscaledMs / timeScale), MAX_TIMER_MS);
}

function unscaledWaitMs(state: State, input: unknown): number {
  if (state.Seconds !== undefined) return Number(state.Seconds) * 1000;
  if (state.SecondsPath !== undefined) return Number(atPath(input, String(state.SecondsPath))) * 1000;
  const timestamp = state.Timestamp ?? atPath(input, String(state.TimestampPath));
  return Date.parse(String(timestamp)) - Date.now();
}

function atPath(input: unknown, path: string): unknown {
  if (!/^\$(\.[A-Za-z_]\w*)*$/.test(path)) throw new Error(`the local platform cannot read the path ${path}`);
  const keys = path.split('.').slice(1);
  return keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | null | undefined)?.[key], input);
}
