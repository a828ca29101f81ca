import { randomUUID } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { AwsError } from '../control-plane/aws-error.ts';
import type { TargetHandler } from '../control-plane/rest.ts';
import { EXECUTION_STATUSES, type Execution, type ExecutionStatus } from './execution.ts';
import type { StateMachine } from './state-machine.ts';
import { MAX_STATE_BYTES } from './state-tasks.ts';

/** Step Functions accepts a few more characters, but CloudWatch Logs does not support them. */
const EXECUTION_NAME = /^[0-9A-Za-z_-]{1,80}$/;

/** `maxResults` of ListExecutions: default and maximum. */
const LISTED = { default: 100, most: 1000 } as const;

type Body = Readonly<Record<string, unknown>>;

/** The supported operations of Step Functions, for `X-Amz-Target: AWSStepFunctions.*`. */
export function stepFunctionsApi(machines: readonly StateMachine[]): TargetHandler {
  const operations: Record<string, (body: Body) => object> = {
    StartExecution: (body) => startExecution(machineOf(machines, body.stateMachineArn), body),
    DescribeExecution: (body) => describe(...executionOf(machines, body.executionArn)),
    ListExecutions: (body) => listExecutions(machineOf(machines, body.stateMachineArn), body),
  };
  return async (operation, body) => {
    const run = operations[operation];
    if (run === undefined) throw new AwsError('UnknownOperationException', 400, `no ${operation} here`);
    return run(body);
  };
}

/**
 * Starts an execution. A running execution with the same name and input is returned; any other used name is rejected (for 90
 * days by Step Functions, always here).
 */
function startExecution(machine: StateMachine, body: Body): object {
  const { name = randomUUID(), input = '{}' } = body;
  if (typeof name !== 'string' || !EXECUTION_NAME.test(name)) {
    throw new AwsError('InvalidName', 400, `Invalid Name: '${String(name)}'`);
  }
  const text = checkedInput(input);
  const existing = machine.execution(name);
  if (existing === undefined) return started(machine.start(name, text));
  if (existing.status === 'RUNNING' && isDeepStrictEqual(JSON.parse(existing.input), JSON.parse(text))) {
    return started(existing);
  }
  throw new AwsError('ExecutionAlreadyExists', 400, `Execution Already Exists: '${existing.arn}'`);
}

function checkedInput(input: unknown): string {
  const invalid = (reason: string) => new AwsError('InvalidExecutionInput', 400, reason);
  if (typeof input !== 'string') throw invalid('the input is not text');
  if (Buffer.byteLength(input) > MAX_STATE_BYTES) throw invalid(`the input is larger than ${MAX_STATE_BYTES} bytes`);
  try {
    JSON.parse(input);
  } catch {
    throw invalid('the input is not JSON');
  }
  return input;
}

function started(execution: Execution): object {
  return { executionArn: execution.arn, startDate: seconds(execution.startedAt) };
}

function describe(machine: StateMachine, execution: Execution): object {
  const { input, output, error, cause } = execution;
  return { ...summary(machine, execution), input, output, error, cause };
}

function summary(machine: StateMachine, { arn, name, status, startedAt, stoppedAt }: Execution): object {
  return {
    executionArn: arn,
    stateMachineArn: machine.arn,
    name,
    status,
    startDate: seconds(startedAt),
    ...(stoppedAt !== undefined && { stopDate: seconds(stoppedAt) }),
  };
}

/** Newest first. The token is the start of the next page; new executions shift it, as they may in AWS. */
function listExecutions(machine: StateMachine, { statusFilter, maxResults, nextToken }: Body): object {
  if (statusFilter !== undefined && !EXECUTION_STATUSES.includes(statusFilter as ExecutionStatus)) {
    throw new AwsError('ValidationException', 400, `statusFilter is one of ${EXECUTION_STATUSES.join(', ')}`);
  }
  const from = nextToken === undefined ? 0 : Number(nextToken);
  if (!Number.isInteger(from)) throw new AwsError('InvalidToken', 400, 'Invalid Token');
  const most = Math.min(Number(maxResults ?? 0) || LISTED.default, LISTED.most);
  const all = machine.executions().filter(({ status }) => statusFilter === undefined || status === statusFilter);
  return {
    executions: all.slice(from, from + most).map((execution) => summary(machine, execution)),
    ...(from + most < all.length && { nextToken: String(from + most) }),
  };
}

function machineOf(machines: readonly StateMachine[], arn: unknown): StateMachine {
  const machine = machines.find((candidate) => candidate.arn === arn);
  if (machine !== undefined) return machine;
  throw new AwsError('StateMachineDoesNotExist', 400, `State Machine Does Not Exist: '${String(arn)}'`);
}

function executionOf(machines: readonly StateMachine[], arn: unknown): [StateMachine, Execution] {
  for (const machine of machines) {
    const execution = machine.execution(String(arn));
    if (execution !== undefined && execution.arn === arn) return [machine, execution];
  }
  throw new AwsError('ExecutionDoesNotExist', 400, `Execution Does Not Exist: '${String(arn)}'`);
}

/** Times are epoch seconds with fractions. */
function seconds(epochMs: number): number {
  return epochMs / 1000;
}
