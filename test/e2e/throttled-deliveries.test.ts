import { afterAll, expect, test } from '@jest/globals';
import { findStage } from '../../lib/stage.ts';
import type { Execution } from '../../local/execution.ts';
import { until } from '../support/assembly.ts';
import { writeLocalAssembly } from '../support/local-assembly.ts';
import { deadLettersOf, publishTo, receiptsOf, runningWorld } from './running-world.ts';

const local = findStage('local');
const { functions } = local;
const assembly = writeLocalAssembly({
  ...local,
  functions: { ...functions, deliverTask: { ...functions.deliverTask, reservedConcurrency: 1 } },
});
afterAll(() => assembly.remove());

const world = runningWorld({
  assemblyDirectory: assembly.directory,
  // The longest wait between two retries is 1.5 s.
  timeScale: 600,
  partners: {
    // Longer than an attempt from the queue may take, so that the workflow delivers all of them.
    patient: { answers: 200, entry: { timeout_seconds: 60 } },
    // Keeps the only environment until that is killed.
    holding: { answers: 'hang', entry: { timeout_seconds: 300 } },
    dormant: { answers: 200, entry: { timeout_seconds: 60 } },
  },
});

const numbered = (name: string, count: number) => Array.from({ length: count }, (_, index) => `${name}-${index}`);

/** The errors with which a function did not run, each for which a delivery was retried. */
function faultsOf({ history }: Execution): readonly (string | undefined)[] {
  return history.filter(({ type, state }) => type === 'StateFailed' && state === 'Deliver').map(({ error }) => error);
}

function executionsOf(integrationId: string): readonly Execution[] {
  const executions = world().platform.stateMachine.executions();
  return executions.filter(({ input }) => JSON.parse(input).integration_id === integrationId);
}

async function delivered(integrationId: string, eventIds: readonly string[]): Promise<readonly Execution[]> {
  await until(() => eventIds.every((id) => receiptsOf(world(), integrationId, id).length > 0), 60_000);
  await until(() => executionsOf(integrationId).every(({ status }) => status !== 'RUNNING'), 30_000);
  return executionsOf(integrationId);
}

test('more deliveries at a time than DeliverTask may run: all arrive once, and being throttled spends no attempt', async () => {
  const ids = numbered('crowd', 12);
  await publishTo(world(), 'holding', ['first']);
  await until(() => receiptsOf(world(), 'holding', 'first').length === 1, 30_000);
  await publishTo(world(), 'patient', ids);
  const throttled = () => executionsOf('patient').filter((execution) => faultsOf(execution).length > 0);
  await until(() => throttled().length === ids.length, 30_000);
  world().platform.functions.find('deliver-task').killOne();
  const executions = await delivered('patient', ids);

  expect(ids.map((id) => receiptsOf(world(), 'patient', id).length)).toEqual(ids.map(() => 1));
  expect(executions.map(({ output }) => JSON.parse(output ?? ''))).toEqual(
    ids.map(() => expect.objectContaining({ outcome: 'delivered', attempt: 1 })),
  );
  expect(new Set(executions.flatMap(faultsOf))).toEqual(new Set(['Lambda.TooManyRequestsException']));
  expect(await deadLettersOf(world(), 'patient')).toEqual([]);
}, 120_000);

test('a function that was unused for weeks is inactive at first: the delivery waits for it', async () => {
  const pool = world().platform.functions.find('deliver-task');
  pool.refuseWith('ResourceNotReadyException');
  await publishTo(world(), 'dormant', ['late']);
  await until(
    () => world().platform.stateMachine.executions().flatMap(faultsOf).includes('Lambda.ResourceNotReadyException'),
    30_000,
  );
  pool.refuseWith(undefined);
  const [execution] = await delivered('dormant', ['late']);

  expect(JSON.parse(execution?.output ?? '')).toMatchObject({ outcome: 'delivered', attempt: 1 });
  expect(receiptsOf(world(), 'dormant', 'late')).toHaveLength(1);
}, 120_000);
