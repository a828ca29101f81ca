/** The supported part of a state of an ASL definition (JSONPath). */
export interface State {
  readonly Type: string;
  readonly Resource?: string;
  readonly TimestampPath?: string;
  readonly [field: string]: unknown;
}

export interface Definition {
  readonly StartAt: string;
  readonly States: Readonly<Record<string, State>>;
  readonly TimeoutSeconds?: number;
  readonly [field: string]: unknown;
}

/** Maximum timeout of the engine's timer, in seconds. Its default is a minute. */
const MAX_TASK_SECONDS = Math.floor((2 ** 31 - 1) / 1000);

/** @throws Error if a definition has something unsupported */
export function requireRunnable({ QueryLanguage, States }: Definition): void {
  const refuse = (what: string) => {
    throw new Error(`the local platform does not run ${what}`);
  };
  if (QueryLanguage === 'JSONata') refuse('JSONata');
  for (const [name, state] of Object.entries(States)) {
    // The engine ignores JSONata and jitter silently.
    if (state.QueryLanguage === 'JSONata') refuse(`JSONata: state ${name}`);
    if (JSON.stringify(state.Retry ?? []).includes('JitterStrategy')) refuse(`retries with jitter: ${name}`);
    if (state.Type === 'Parallel' || state.Type === 'Map') refuse(`${state.Type} states: ${name}`);
    if (state.Type === 'Wait' && state.TimestampPath === undefined)
      refuse(`Wait states without TimestampPath: ${name}`);
  }
}

/**
 * A copy of a definition for the engine, which does not use the platform's clock: each `Wait` becomes a `Task`, and there are no
 * timeouts. The platform implements both.
 */
export function withoutTimes({ TimeoutSeconds: _, ...definition }: Definition): Definition {
  const states = Object.entries(definition.States).map(([name, state]) => [name, stateWithoutTimes(state)]);
  return { ...definition, States: Object.fromEntries(states) } as Definition;
}

function stateWithoutTimes({ TimestampPath, ...state }: State): State {
  if (state.Type === 'Task') return { ...state, TimeoutSeconds: MAX_TASK_SECONDS };
  if (state.Type !== 'Wait') return state;
  return { ...state, Type: 'Task', Resource: 'local:wait', TimeoutSeconds: MAX_TASK_SECONDS };
}

/**
 * Duration of a `Wait` state for an input, in milliseconds; 0 if its time has passed.
 *
 * @throws Error if `TimestampPath` is not a simple reference path (`$.a.b`) or finds no time
 */
export function waitMs({ TimestampPath = '' }: State, input: unknown, nowMs = Date.now()): number {
  if (!/^\$(\.[A-Za-z_]\w*)*$/.test(TimestampPath)) {
    throw new Error(`the local platform cannot read the path ${TimestampPath}`);
  }
  const keys = TimestampPath.split('.').slice(1);
  const timestamp = keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], input);
  const ms = Date.parse(String(timestamp)) - nowMs;
  if (Number.isNaN(ms)) throw new Error(`a Wait state finds no time at ${TimestampPath}`);
  return Math.max(0, ms);
}
