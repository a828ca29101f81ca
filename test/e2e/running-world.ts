import { afterAll, beforeAll } from '@jest/globals';
import { webhookId } from '../../lambdas/domain/identity.ts';
import type { LogFields } from '../../local/demo/observe.ts';
import type { Receipt } from '../../local/demo/partner.ts';
import { startWorld, type World, type WorldOptions } from '../../local/demo/world.ts';
import { LOCAL_ASSEMBLY } from '../../local/synthesize.ts';

/** A minute of the workflow is half a second. */
export const TIME_SCALE = 120;

/** The pipeline of the synthesized stage `local` for the tests of one file, which `npm test` has synthesized before. */
export function runningWorld(options: Partial<WorldOptions> & { flag?: 'on' } = {}): () => World {
  let world: World | undefined;
  beforeAll(async () => {
    world = await startWorld({ assemblyDirectory: LOCAL_ASSEMBLY, timeScale: TIME_SCALE, ...options });
    if (options.flag === 'on') world.switchFlag(true);
  }, 30_000);
  afterAll(() => world?.stop(), 30_000);
  return () => {
    if (world === undefined) throw new Error('the platform did not start');
    return world;
  };
}

/** What partners received of one event. */
export function receiptsOf(world: World, integrationId: string, eventId: string): readonly Receipt[] {
  const id = webhookId(integrationId, eventId);
  return world.partner.receipts.filter(({ headers }) => headers['webhook-id'] === id);
}

/** Lines that functions logged under one message. */
export async function logged(world: World, message: string): Promise<readonly LogFields[]> {
  const { logs } = await world.evidence([]);
  return logs.filter((line) => line.message === message);
}

export function learningTimeOf(receipt: Receipt | undefined): { total_seconds: number } | undefined {
  return JSON.parse(receipt?.body ?? '{}').learning_time;
}
