import { webhookId } from '../../lambdas/domain/identity.ts';
import { completion, LEARNER } from '../../local/demo/sample-events.ts';
import { startWorld } from '../../local/demo/world.ts';

const INTEGRATION = 'skillsoft';
const EVENT_ID = 'counted';

/**
 * States that one execution enters whose event is answered at its first try there and delivered; Step Functions bills each.
 *
 * @throws NotReached where it does not end, Error where it fails
 */
export async function countTransitions(assemblyDirectory: string): Promise<number> {
  const partners = { [INTEGRATION]: { answers: 200 } } as const;
  const world = await startWorld({ assemblyDirectory, partners });
  try {
    world.switchFlag(true);
    world.warehouse.setMode('refuse');
    await world.publish([JSON.stringify(completion(EVENT_ID, INTEGRATION, LEARNER.known))]);
    const executions = () => world.platform.stateMachine.executionsNamed(webhookId(INTEGRATION, EVENT_ID));
    await world.until('an execution', () => executions().length > 0);
    world.warehouse.setMode('up');
    const ended = () => executions().find(({ status }) => status !== 'RUNNING');
    const { status, history } = await world.until('its end', ended);
    if (status !== 'SUCCEEDED') throw new Error(`the execution is ${status}`);
    return history.filter(({ type }) => type === 'StateEntered').length;
  } finally {
    await world.stop();
  }
}
