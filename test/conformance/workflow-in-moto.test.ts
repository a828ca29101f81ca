import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { TaskRetries } from '../../local/step-functions/task-retries.ts';
import { describeWithClient, startClient } from '../support/real-clients.ts';
import { type Definition, synthesize, workflowDefinition } from '../support/synthesized-stack.ts';
import { type CallTask, describeScenarios, type Interpreter, type Run } from '../workflow/scenarios.ts';

const RUN_WORKFLOW = fileURLToPath(new URL('./run_workflow.py', import.meta.url));

/** What `run_workflow.py` writes. */
interface TaskLine {
  readonly task: string;
  readonly input: Record<string, unknown>;
}
type Line =
  | TaskLine
  | {
      readonly status: string;
      readonly output: Run['output'];
      readonly error: string;
      readonly entered: string[];
      /** Before each retry, in seconds. */
      readonly waits: readonly number[];
    };

/** Each function named by the state that calls it. */
function withFunctionArns(definition: Definition): Definition {
  const states = Object.entries(definition.States).map(([name, state]) => [
    name,
    String(state.Resource).startsWith('<')
      ? { ...state, Resource: `arn:aws:lambda:us-east-1:123456789012:function:${name}` }
      : state,
  ]);
  return { ...definition, States: Object.fromEntries(states) };
}

/** A result, or the error's name. */
async function answer({ task, input }: TaskLine, callTask: CallTask): Promise<object> {
  try {
    if (task !== 'sendMessage') return { result: await callTask(task as Parameters<CallTask>[0], input) };
    // As the service receives it, a body is text.
    return {
      result: await callTask('SendDeadLetter', { ...input, MessageBody: JSON.parse(String(input.MessageBody)) }),
    };
  } catch (thrown) {
    return { error: (thrown as Error).name };
  }
}

/** `run_workflow.py` with one definition. */
function startRunner(python: string, definition: object) {
  const runner = startClient(python, [RUN_WORKFLOW]);
  let errors = '';
  // Why it ended is read from its output.
  runner.stdin.on('error', () => {});
  runner.stderr.on('data', (chunk) => {
    errors += chunk;
  });
  const lines = createInterface({ input: runner.stdout })[Symbol.asyncIterator]();
  const write = (value: unknown) => runner.stdin.write(`${JSON.stringify(value)}\n`);
  write(definition);
  return {
    write,
    async read(): Promise<Line> {
      const { value, done } = await lines.next();
      if (done) throw new Error(`run_workflow.py ended: ${errors}`);
      return JSON.parse(value);
    },
    stop: () => void runner.kill(),
  };
}

describeWithClient('moto', 'in moto’s interpreter', (python) => {
  let runner: ReturnType<typeof startRunner>;
  beforeAll(() => {
    runner = startRunner(python, withFunctionArns(workflowDefinition(synthesize('local'))));
  });
  afterAll(() => runner?.stop());

  const interpret: Interpreter = async (input, callTask) => {
    runner.write(input);
    for (;;) {
      const line = await runner.read();
      if ('task' in line) {
        runner.write(await answer(line, callTask));
      } else if (line.status === 'SUCCEEDED') {
        return line;
      } else {
        throw new Error(line.status, { cause: { name: line.error } });
      }
    }
  };

  describeScenarios(interpret);
});

/** The local platform waits itself before a retry, as long as `local/step-functions/task-retries.ts` says. */
describeWithClient('moto', 'moto’s interpreter waits before each retry as long as the local platform', (python) => {
  const Retry = [
    { ErrorEquals: ['ByDefault'] },
    { ErrorEquals: ['Slow', 'Other'], IntervalSeconds: 5, BackoffRate: 1.5, MaxAttempts: 6, MaxDelaySeconds: 20 },
    { ErrorEquals: ['Never'], MaxAttempts: 0 },
    { ErrorEquals: ['States.ALL'], IntervalSeconds: 7, BackoffRate: 1, MaxAttempts: 2 },
  ];
  const state = { Type: 'Task', Resource: '<function>', Retry, End: true };
  let runner: ReturnType<typeof startRunner>;
  beforeAll(() => {
    runner = startRunner(python, withFunctionArns({ StartAt: 'Task', TimeoutSeconds: 3600, States: { Task: state } }));
  });
  afterAll(() => runner?.stop());

  test.each([
    [
      'a retrier’s default interval, rate and attempts',
      ['ByDefault', 'ByDefault', 'ByDefault', 'ByDefault'],
      [1, 2, 4],
    ],
    ['a longest delay', Array<string>(7).fill('Slow'), [5, 7.5, 11.25, 16.875, 20, 20]],
    ['two errors of one retrier', ['Slow', 'Other', 'Slow'], [5, 7.5, 11.25]],
    ['errors of two retriers', ['Slow', 'ByDefault', 'Slow', 'ByDefault'], [5, 1, 7.5, 2]],
    ['no attempt', ['Never'], []],
    ['the retrier for all others', ['Else', 'Another', 'Else'], [7, 7]],
  ])('%s', async (_name, errors, expected) => {
    const retries = new TaskRetries(state);
    const ours = errors.map((name) => retries.delayMsAfter({ name })).filter((ms) => ms !== undefined);
    expect(ours.map((ms) => ms / 1000)).toEqual(expected);

    runner.write({});
    const left = [...errors];
    for (;;) {
      const line = await runner.read();
      if (!('task' in line)) {
        expect(line.waits).toEqual(expected);
        return;
      }
      const error = left.shift();
      runner.write(error === undefined ? { result: {} } : { error });
    }
  });
});
