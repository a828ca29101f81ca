import { StateMachine as Engine, type RunOptions, type StateMachineDefinition } from 'aws-local-stepfunctions';
import type { Clock, Work } from '../clock/clock.ts';
import type { Functions } from '../lambda/functions.ts';
import { arnOf, type Resolver } from '../resolver.ts';
import type { Queues } from '../sqs/queues.ts';
import { type Definition, requireRunnable, type State, waitMs, withoutTimes } from './definition.ts';
import { type EngineEvent, type Execution, type ExecutionStatus, historyEntry } from './execution.ts';
import { TaskFailure, type TaskHandler, taskHandler } from './state-tasks.ts';
import { TaskRetries } from './task-retries.ts';

const TYPE = 'AWS::StepFunctions::StateMachine';

export interface StateMachineOptions {
  readonly name: string;
  readonly definition: Definition;
  readonly functions: Functions;
  readonly queues: Queues;
  readonly clock: Clock;
  readonly onStatusChange: (machine: StateMachine, execution: Execution) => void;
}

type JsonInput = Parameters<Engine['run']>[0];
type LocalHandlers = NonNullable<NonNullable<RunOptions['overrides']>['taskResourceLocalHandlers']>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type RunningExecution = Mutable<Omit<Execution, 'history'>> & { history: Execution['history'][number][] };

function stateMachineArn(name: string): string {
  return arnOf('states', `stateMachine:${name}`);
}

export function registerStateMachines(resolver: Resolver): void {
  for (const logicalId of resolver.logicalIds(TYPE)) {
    const name = resolver.nameOf(logicalId, 'StateMachineName');
    const arn = stateMachineArn(name);
    resolver.register(logicalId, { ref: arn, attributes: { Arn: arn, Name: name } });
  }
}

/** All state machines of the template. @throws Error like the state machine's constructor */
export function createStateMachines(
  resolver: Resolver,
  options: Omit<StateMachineOptions, 'name' | 'definition'>,
): StateMachine[] {
  return resolver.logicalIds(TYPE).map((logicalId) => {
    const { DefinitionString } = resolver.properties(logicalId);
    if (typeof DefinitionString !== 'string') {
      throw new Error(`${logicalId}: the local platform reads DefinitionString only`);
    }
    const definition = JSON.parse(DefinitionString) as Definition;
    return new StateMachine({ ...options, name: resolver.nameOf(logicalId, 'StateMachineName'), definition });
  });
}

/** A Standard state machine with the synthesized definition, and all its executions. */
export class StateMachine {
  readonly name: string;
  readonly arn: string;
  readonly #options: StateMachineOptions;
  readonly #engine: Engine;
  readonly #tasks: ReadonlyMap<string, TaskHandler>;
  readonly #states: ReadonlyMap<string, State>;
  readonly #timeoutSeconds: number | undefined;
  /** In order of start. */
  readonly #executions = new Map<string, RunningExecution>();
  readonly #abort = new Map<string, () => void>();

  /** @throws Error if the platform does not support the definition */
  constructor(options: StateMachineOptions) {
    const { name, definition, functions, queues } = options;
    this.#options = options;
    this.name = name;
    this.arn = stateMachineArn(name);
    requireRunnable(definition);
    this.#states = new Map(Object.entries(definition.States));
    this.#timeoutSeconds = definition.TimeoutSeconds;
    const states = [...this.#states];
    // test/workflow validates the definition once. Validation compiles the schema of the language, half a second each time.
    this.#engine = new Engine(withoutTimes(definition) as unknown as StateMachineDefinition, {
      validationOptions: { noValidate: true },
    });
    const tasks = states.filter(([, state]) => state.Type === 'Task');
    this.#tasks = new Map(tasks.map(([task, state]) => [task, taskHandler(task, state, { functions, queues })]));
  }

  /** All executions, newest first. */
  executions(): Execution[] {
    return [...this.#executions.values()].reverse();
  }

  /** Executions whose names start with a prefix, newest first. */
  executionsNamed(beginning: string): Execution[] {
    return this.executions().filter(({ name }) => name.startsWith(beginning));
  }

  /** By name or ARN. */
  execution(key: string): Execution | undefined {
    return this.#executions.get(key.slice(key.lastIndexOf(':') + 1));
  }

  /** @param input JSON text. The caller has checked name and input */
  start(name: string, input: string): Execution {
    const arn = arnOf('states', `execution:${this.name}:${name}`);
    const execution: RunningExecution = { name, arn, status: 'RUNNING', input, startedAt: Date.now(), history: [] };
    this.#executions.set(name, execution);
    this.#options.onStatusChange(this, execution);
    void this.#run(execution);
    return execution;
  }

  /** Aborts a running execution. */
  abort(name: string): void {
    const execution = this.#executions.get(name);
    if (execution?.status !== 'RUNNING') return;
    this.#end(execution, 'ABORTED', {});
  }

  /** Ends running executions without events, since the platform stops, not the executions. */
  stop(): void {
    for (const abort of this.#abort.values()) abort();
    this.#abort.clear();
  }

  async #run(execution: RunningExecution): Promise<void> {
    const work = this.#options.clock.begin();
    const stopping = new AbortController();
    const run = this.#engine.run(JSON.parse(execution.input) as JsonInput, {
      noThrowOnAbort: true,
      context: {
        Execution: { Id: execution.arn, Name: execution.name },
        StateMachine: { Id: this.arn, Name: this.name },
      },
      overrides: {
        taskResourceLocalHandlers: this.#handlers(work, stopping.signal),
        retryIntervalOverrides: Object.fromEntries([...this.#tasks.keys()].map((task) => [task, 0])),
      },
    });
    this.#abort.set(execution.name, () => {
      stopping.abort();
      run.abort();
    });
    void this.#endInTime(execution, stopping.signal);
    const recorded = record(execution, run.eventLogs as AsyncIterable<EngineEvent>);
    try {
      const output = await run.result;
      await recorded;
      if (!stopping.signal.aborted) this.#end(execution, 'SUCCEEDED', { output: JSON.stringify(output) });
    } catch (thrown) {
      await recorded;
      this.#end(execution, 'FAILED', failureOf((thrown as Error).cause ?? thrown));
    } finally {
      work.end();
    }
  }

  /** The engine's timer would use real time. */
  async #endInTime(execution: RunningExecution, signal: AbortSignal): Promise<void> {
    if (this.#timeoutSeconds === undefined) return;
    const isOver = this.#options.clock.sleep(this.#timeoutSeconds * 1000, signal).then(
      () => true,
      () => false,
    );
    if (await isOver) this.#end(execution, 'TIMED_OUT', { error: 'States.Timeout' });
  }

  #handlers(work: Work, signal: AbortSignal): LocalHandlers {
    const waits = [...this.#states].filter(([, { Type }]) => Type === 'Wait');
    const waiting = waits.map(([name, state]) => [
      name,
      async (input: unknown) => {
        await work.sleep(waitMs(state, input), signal);
        return input;
      },
    ]);
    const tasks = [...this.#tasks].map(([name, task]) => [
      name,
      retrying(this.#inTime(name, task), new TaskRetries(this.#states.get(name) as State), work, signal),
    ]);
    return Object.fromEntries([...tasks, ...waiting]) as LocalHandlers;
  }

  /** A task that fails after its state's `TimeoutSeconds`. The function itself continues, as in Lambda. */
  #inTime(name: string, task: TaskHandler): TaskHandler {
    const { TimeoutSeconds } = this.#states.get(name) as State;
    if (TimeoutSeconds === undefined) return task;
    return async (input) => {
      const over = new AbortController();
      const isOver = this.#options.clock.sleep(Number(TimeoutSeconds) * 1000, over.signal).then(
        () => {
          throw new TaskFailure('States.Timeout', `the task did not end within ${TimeoutSeconds} seconds`);
        },
        () => undefined,
      );
      try {
        return await Promise.race([task(input), isOver]);
      } finally {
        over.abort();
      }
    };
  }

  #end(execution: RunningExecution, status: ExecutionStatus, result: Partial<Execution>): void {
    if (execution.status !== 'RUNNING') return;
    Object.assign(execution, { ...result, status, stoppedAt: Date.now() });
    this.#abort.get(execution.name)?.();
    this.#abort.delete(execution.name);
    this.#options.onStatusChange(this, execution);
  }
}

/** A task that implements the waits of its retriers, since the engine retries at once. */
function retrying(task: TaskHandler, retries: TaskRetries, work: Work, signal: AbortSignal): TaskHandler {
  let delayMs: number | undefined;
  return async (input) => {
    if (delayMs === undefined) retries.reset();
    else await work.sleep(delayMs, signal);
    delayMs = undefined;
    try {
      return await task(input);
    } catch (thrown) {
      delayMs = retries.delayMsAfter(thrown as Error);
      throw thrown;
    }
  };
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
