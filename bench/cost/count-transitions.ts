import { setTimeout as sleep } from 'node:timers/promises';
import { webhookId } from '../../lambdas/domain/identity.ts';
import { completion, LEARNER } from '../../local/demo/sample-events.ts';
import { startWorld } from '../../local/demo/world.ts';

const INTEGRATION = 'skillsoft';
const EVENT_ID = 'counted';
const LONGEST_MS = 60_000;
const TIME_SCALE = 60;

/**
 * States that one execution enters whose event is answered at its first try there and delivered; Step Functions bills each.
 *
 * @throws Error where it does not end within a minute
 */
export async function countTransitions(assemblyDirectory: string): Promise<number> {
  const partners = { [INTEGRATION]: { answers: 200 } } as const;
  const world = await startWorld({ assemblyDirectory, timeScale: TIME_SCALE, partners });
  try {
    world.switchFlag(true);
    world.warehouse.setMode('refuse');
    await world.publish([JSON.stringify(completion(EVENT_ID, INTEGRATION, LEARNER.known))]);
    const untilMs = performance.now() + LONGEST_MS;
    for (;;) {
      const [execution] = world.platform.stateMachine.executionsNamed(webhookId(INTEGRATION, EVENT_ID));
      if (execution !== undefined) world.warehouse.setMode('up');
      if (execution?.status === 'SUCCEEDED')
        return execution.history.filter(({ type }) => type === 'StateEntered').length;
      if (performance.now() > untilMs) throw new Error(`the execution is ${execution?.status ?? 'not there'}`);
      await sleep(50);
    }
  } finally {
    await world.stop();
  }
}
