import { describe } from '@jest/globals';
import { StateMachine, type StateMachineDefinition } from 'aws-local-stepfunctions';
import { synthesize, workflowDefinition } from '../support/synthesized-stack.ts';
import { describeScenarios, type Interpreter, type Run } from './scenarios.ts';

const machine = new StateMachine(workflowDefinition(synthesize('local')) as unknown as StateMachineDefinition, {
  validationOptions: { checkArn: false },
});

const interpret: Interpreter = async (input, callTask) => {
  const handler = (state: Parameters<typeof callTask>[0]) => async (given: unknown) => callTask(state, given);
  // As it is stored between states: nothing but JSON survives.
  const execution = machine.run(JSON.parse(JSON.stringify(input)), {
    overrides: {
      taskResourceLocalHandlers: {
        Enrich: handler('Enrich'),
        Deliver: handler('Deliver'),
        SendDeadLetter: handler('SendDeadLetter'),
      } as never,
      waitTimeOverrides: { WaitUntilDue: 0 },
      retryIntervalOverrides: { Enrich: 0, Deliver: 0, SendDeadLetter: 0 },
    },
  });
  const entered = statesEntered(execution.eventLogs);
  const output = (await execution.result) as unknown as Run['output'];
  return { output, entered: await entered };
};

async function statesEntered(events: AsyncIterable<unknown>): Promise<string[]> {
  const names: string[] = [];
  for await (const event of events as AsyncIterable<{ type: string; state?: { name: string } }>) {
    if (event.type === 'StateEntered' && event.state !== undefined) names.push(event.state.name);
  }
  return names;
}

describe('in aws-local-stepfunctions', () => describeScenarios(interpret));
