import { setTimeout as sleep } from 'node:timers/promises';
import { StateMachine as Engine, type RunOptions, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { type EngineEvent, type Execution, type ExecutionStatus, historyEntry } from './execution.ts';
import type { Functions } from './functions.ts';
import type { Queues } from './queues.ts';
import { ACCOUNT, REGION } from './resolver.ts';
import { allStates, type Definition, scaleDefinition, waitMs } from './scaled-definition.ts';
import { type TaskHandler, taskHandler } from './state-tasks.ts';

export interface StateMachineOptions {
  readonly logicalId: string;
  readonly name: string;
  readonly definition: Definition;
  readonly functions: Functions;
  readonly queues: Queues;
  /** Every wait and retry interval is divided by it. */
  readonly timeScale: number;
  readonly onStatusChange: (machine: StateMachine, execution: Execution) => void;
}

type JsonInput = Parameters<Engine['run']>[0];
type LocalHandlers = NonNullable<NonNullable<RunOptions['overrides']>['taskResourceLocalHandlers']>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type RunningExecution = Mutable<Omit<Execution, 'history'>> & { history: Execution['history'][number][] };

/** A quarter of an hour, for tasks that are throttled in scaled time. */
const SCALED_PATIENCE_MS = 15 * 60_000;

export function stateMachineArn(name: string): string {
  return `arn:aws:states:${REGION}:${ACCOUNT}:stateMachine:${name}`;
}

/** A Standard state machine that executes the synthesized definition, and all executions it ever had. */
export class StateMachine {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  readonly #options: StateMachineOptions;
  readonly #engine: Engine;
  readonly #tasks: ReadonlyMap<string, TaskHandler>;
  readonly #waits: ReadonlyMap<string, (input: unknown) => number>;
  /** In the order they started. */
  readonly #executions = new Map<string, RunningExecution>();
  readonly #abort = new Map<string, () => void>();

  /** @throws Error where the definition is invalid, is written in JSONata or has a task that cannot run here */
  constructor(options: StateMachineOptions) {
    const { logicalId, name, definition, functions, queues, timeScale } = options;
    this.#options = options;
    this.logicalId = logicalId;
    this.name = name;
    this.arn = stateMachineArn(name);
    const states = [...allStates(definition)];
    // The engine ignores JSONata silently, and would run something else than what is deployed.
    if (definition.QueryLanguage === 'JSONata' || states.some(([, state]) => state.QueryLanguage === 'JSONata')) {
      throw new Error(`${logicalId}: the local platform runs JSONPath definitions only`);
    }
    // Only the definition that is deployed can be validated: a scaled one has fractions, which ASL forbids.
    new Engine(definition as unknown as StateMachineDefinition, { validationOptions: { checkArn: false } });
    this.#engine = new Engine(scaleDefinition(definition, timeScale) as unknown as StateMachineDefinition, {
      validationOptions: { noValidate: true },
    });
    const patienceMs = timeScale === 1 ? 0 : SCALED_PATIENCE_MS;
    const tasks = states.filter(([, state]) => state.Type === 'Task');
    this.#tasks = new Map(
      tasks.map(([task, state]) => [task, taskHandler(task, state, { functions, queues, patienceMs })]),
    );
    const waits = states.filter(([, state]) => state.Type === 'Wait');
    this.#waits = new Map(waits.map(([wait, state]) => [wait, (input) => waitMs(state, input, timeScale)]));
  }

  /** All executions, newest first. */
  executions(): Execution[] {
    return [...this.#executions.values()].reverse();
  }

  /** All whose names begin so, newest first. */
  executionsNamed(beginning: string): Execution[] {
    return this.executions().filter(({ name }) => name.startsWith(beginning));
  }

  /** By name or ARN. */
  execution(key: string): Execution | undefined {
    return this.#executions.get(key.slice(key.lastIndexOf(':') + 1));
  }

  /** @param input JSON text. The caller has checked name and input */
  start(name: string, input: string): Execution {
    const arn = `arn:aws:states:${REGION}:${ACCOUNT}:execution:${this.name}:${name}`;
    const execution: RunningExecution = { name, arn, status: 'RUNNING', input, startedAt: Date.now(), history: [] };
    this.#executions.set(name, execution);
    this.#options.onStatusChange(this, execution);
    void this.#run(execution);
    return execution;
  }

  /** Aborts a running execution. */
  abort(name: string, error?: string, cause?: string): void {
    const execution = this.#executions.get(name);
    if (execution?.status !== 'RUNNING') return;
    this.#end(execution, 'ABORTED', { ...(error !== undefined && { error }), ...(cause !== undefined && { cause }) });
  }

  /** Ends what runs, telling nobody: the platform stops, the executions did not. */
  stop(): void {
    for (const abort of this.#abort.values()) abort();
    this.#abort.clear();
  }

  async #run(execution: RunningExecution): Promise<void> {
    const stopping = new AbortController();
    const run = this.#engine.run(JSON.parse(execution.input) as JsonInput, {
      noThrowOnAbort: true,
      context: {
        Execution: { Id: execution.arn, Name: execution.name },
        StateMachine: { Id: this.arn, Name: this.name },
      },
      overrides: { taskResourceLocalHandlers: this.#handlers(stopping.signal) },
    });
    this.#abort.set(execution.name, () => {
      stopping.abort();
      run.abort();
    });
    const recorded = record(execution, run.eventLogs as AsyncIterable<EngineEvent>);
    try {
      const output = await run.result;
      await recorded;
      if (!stopping.signal.aborted) this.#end(execution, 'SUCCEEDED', { output: JSON.stringify(output) });
    } catch (thrown) {
      await recorded;
      const { name, cause } = thrown as Error;
      if (name === 'ExecutionTimeoutError') this.#end(execution, 'TIMED_OUT', { error: 'States.Timeout' });
      else this.#end(execution, 'FAILED', failureOf(cause ?? thrown));
    }
  }

  #handlers(signal: AbortSignal): LocalHandlers {
    const waits = [...this.#waits].map(([name, delayMs]) => [
      name,
      async (input: unknown) => sleep(delayMs(input), input, { signal }),
    ]);
    return Object.fromEntries([...this.#tasks, ...waits]) as LocalHandlers;
  }

  #end(execution: RunningExecution, status: ExecutionStatus, result: Partial<Execution>): void {
    if (execution.status !== 'RUNNING') return;
    Object.assign(execution, { ...result, status, stoppedAt: Date.now() });
    this.#abort.get(execution.name)?.();
    this.#abort.delete(execution.name);
    this.#options.onStatusChange(this, execution);
  }
}

async function record(execution: RunningExecution, events: AsyncIterable<EngineEvent>): Promise<void> {
  for await (const event of events) {
    const entry = historyEntry(event);
    if (entry !== undefined) execution.history.push(entry);
  }
}

function failureOf(thrown: unknown): Pick<Execution, 'error' | 'cause'> {
  const { name, message } = thrown as Error;
  return { error: name, cause: message };
}
