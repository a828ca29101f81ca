import { afterAll, expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/domain/identity.ts';
import { findStage } from '../../lib/stage.ts';
import type { Execution } from '../../local/execution.ts';
import { writeLocalAssembly } from '../support/local-assembly.ts';
import { deadLettersOf, publishTo, receiptsOf, runningWorld, until } from './running-world.ts';

const local = findStage('local');
const { functions } = local;
const assembly = writeLocalAssembly({
  ...local,
  functions: { ...functions, deliverTask: { ...functions.deliverTask, reservedConcurrency: 1 } },
});
afterAll(() => assembly.remove());

/** Longer than an attempt from the queue may take, so that the workflow delivers all of them. */
const entry = { timeout_seconds: 60 };

const world = runningWorld({
  assemblyDirectory: assembly.directory,
  partners: {
    patient: { answers: 200, entry },
    // Keeps the only environment until that is killed.
    holding: { answers: ['hang', 200], entry },
    dormant: { answers: 200, entry },
  },
});

/** The errors with which a function did not run, each for which a delivery was retried. */
function faultsOf({ history }: Execution): readonly (string | undefined)[] {
  return history.filter(({ type, state }) => type === 'StateFailed' && state === 'Deliver').map(({ error }) => error);
}

const executionsOf = (integrationId: string, eventIds: readonly string[]) =>
  eventIds.flatMap((id) => world().platform.stateMachine.executionsNamed(webhookId(integrationId, id)));

/** Expects that each event was sent once by one execution, which spent one attempt. */
async function expectDelivered(integrationId: string, eventIds: readonly string[]): Promise<void> {
  const executions = () => executionsOf(integrationId, eventIds);
  await until(world(), () => executions().every(({ status }) => status !== 'RUNNING'));
  expect(executions().map(({ output }) => JSON.parse(output ?? ''))).toEqual(
    eventIds.map(() => expect.objectContaining({ outcome: 'delivered', attempt: 1 })),
  );
  expect(eventIds.map((id) => receiptsOf(world(), integrationId, id).length)).toEqual(eventIds.map(() => 1));
  expect(await deadLettersOf(world(), integrationId)).toEqual([]);
}

test('more deliveries at a time than DeliverTask may run: all arrive once, and being throttled spends no attempt', async () => {
  const ids = Array.from({ length: 12 }, (_, index) => `crowd-${index}`);
  await publishTo(world(), 'holding', ['first']);
  await until(world(), () => receiptsOf(world(), 'holding', 'first').length === 1);
  await publishTo(world(), 'patient', ids);
  const throttled = () => executionsOf('patient', ids).filter((execution) => faultsOf(execution).length > 0);
  await until(world(), () => throttled().length === ids.length);
  world().platform.functions.find('deliver-task').killOne();

  await expectDelivered('patient', ids);
  expect(new Set(executionsOf('patient', ids).flatMap(faultsOf))).toEqual(new Set(['Lambda.TooManyRequestsException']));
});

test('a function that was unused for weeks is inactive at first: the delivery waits for it', async () => {
  const pool = world().platform.functions.find('deliver-task');
  pool.refuseWith('ResourceNotReadyException');
  await publishTo(world(), 'dormant', ['late']);
  const faults = () => executionsOf('dormant', ['late']).flatMap(faultsOf);
  await until(world(), () => faults().length === 3);
  pool.refuseWith(undefined);

  await expectDelivered('dormant', ['late']);
  expect(faults()).toEqual(faults().map(() => 'Lambda.ResourceNotReadyException'));
  // The retrier waits 1, 2 and 4 s after these.
  const [execution] = executionsOf('dormant', ['late']);
  expect(faults()).toHaveLength(3);
  expect(Number(execution?.stoppedAt) - Number(execution?.startedAt)).toBeGreaterThanOrEqual(7_000);
});
