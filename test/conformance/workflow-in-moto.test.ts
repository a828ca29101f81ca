import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from '@jest/globals';
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
  | { readonly status: string; readonly output: Run['output']; readonly error: string; readonly entered: string[] };

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
    return { result: await callTask('Bury', { ...input, MessageBody: JSON.parse(String(input.MessageBody)) }) };
  } catch (thrown) {
    return { error: (thrown as Error).name };
  }
}

describeWithClient('moto', 'in moto’s interpreter', (python) => {
  let runner: ChildProcessWithoutNullStreams;
  let lines: AsyncIterator<string>;
  let errors = '';
  const write = (value: unknown) => runner.stdin.write(`${JSON.stringify(value)}\n`);

  beforeAll(() => {
    runner = startClient(python, [RUN_WORKFLOW]);
    // Why it ended is read from its output.
    runner.stdin.on('error', () => {});
    runner.stderr.on('data', (chunk) => {
      errors += chunk;
    });
    lines = createInterface({ input: runner.stdout })[Symbol.asyncIterator]();
    write(withFunctionArns(workflowDefinition(synthesize('local'))));
  });
  afterAll(() => {
    runner?.kill();
  });

  async function read(): Promise<Line> {
    const { value, done } = await lines.next();
    if (done) throw new Error(`run_workflow.py ended: ${errors}`);
    return JSON.parse(value);
  }

  const interpret: Interpreter = async (input, callTask) => {
    write(input);
    for (;;) {
      const line = await read();
      if ('task' in line) {
        write(await answer(line, callTask));
      } else if (line.status === 'SUCCEEDED') {
        return line;
      } else {
        throw new Error(line.status, { cause: { name: line.error } });
      }
    }
  };

  describeScenarios(interpret);
});
