import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import * as z from 'zod';
import { deliverySchema } from '../../lambdas/events/delivery.ts';
import { type ColdStart, createHandler } from '../../lambdas/shared/handler.ts';
import { IO_DEADLINES } from '../../lambdas/shared/io-deadlines.ts';
import { METRICS } from '../../lambdas/shared/metric-definitions.ts';
import { delivery, LEARNER_DATA } from '../support/factories.ts';
import { CONTEXT, wearEnvironment } from '../support/handler-wiring.ts';

const environment = z.object({ IO_DEADLINE_FACTOR: z.coerce.number(), GREETING: z.string() });

let written: string[];
beforeEach(() => {
  wearEnvironment({ POWERTOOLS_METRICS_NAMESPACE: 'test', IO_DEADLINE_FACTOR: '2', GREETING: 'hello' });
  Object.assign(process.env, { POWERTOOLS_DEV: 'true', POWERTOOLS_METRICS_DISABLED: 'false' });
  written = [];
  jest.spyOn(console, 'log').mockImplementation((line: string) => void written.push(line));
});
afterEach(() => {
  jest.restoreAllMocks();
  delete process.env.POWERTOOLS_DEV;
  delete process.env.GREETING;
});

/** The published values of a metric. */
function published(): unknown[] {
  return written.flatMap((line) => JSON.parse(line)[METRICS.eventRejected] ?? []);
}

describe('services', () => {
  test('are created once, with the parsed environment and the stage’s deadlines', async () => {
    const starts: ColdStart<z.infer<typeof environment>>[] = [];
    const createServices = (start: ColdStart<z.infer<typeof environment>>) => starts.push(start);
    const handler = createHandler({
      environment,
      createServices,
      handle: async (input: string, services, remainingMs) => [input, services, remainingMs()],
    });
    expect(starts).toEqual([]);
    expect(await handler('first', CONTEXT)).toEqual(['first', 1, 60_000]);
    expect(await handler('second', CONTEXT)).toEqual(['second', 1, 60_000]);
    expect(starts).toMatchObject([{ environment: { IO_DEADLINE_FACTOR: 2, GREETING: 'hello' } }]);
    expect(starts[0]?.deadlines.secret.timeoutMs).toBe(2 * IO_DEADLINES.secret.timeoutMs);
  });

  test('are created again by the next invocation if the environment was invalid', async () => {
    const handler = createHandler({
      environment,
      createServices: () => 'services',
      handle: async (_, services) => services,
    });
    delete process.env.GREETING;
    await expect(handler({}, CONTEXT)).rejects.toMatchObject({ name: 'EnvironmentInvalid' });
    process.env.GREETING = 'hello';
    expect(await handler({}, CONTEXT)).toBe('services');
  });
});

test('counts are published at the end of each invocation, including one that fails', async () => {
  const handler = createHandler({
    environment,
    createServices: ({ counter }) => counter,
    async handle(fails: boolean, counter) {
      counter.count(METRICS.eventRejected);
      if (fails) throw new Error('no');
    },
  });
  await handler(false, CONTEXT);
  await expect(handler(true, CONTEXT)).rejects.toThrow('no');
  expect(published()).toEqual([1, 1]);
});

describe('an input with a schema', () => {
  const handler = createHandler({
    environment,
    input: deliverySchema,
    createServices: () => undefined,
    handle: async (input) => input,
  });

  test('that does not fit is refused with the names of its fields, not their values', async () => {
    const { payload: _, ...without } = delivery();
    const [email] = LEARNER_DATA;
    const refusal = await handler({ ...without, generation: { email } } as never, CONTEXT).catch((thrown) => thrown);
    expect(refusal).toMatchObject({
      name: 'InputInvalid',
      message: expect.stringMatching(/^the input does not fit: generation: .*; payload: /),
    });
    expect(refusal.message).not.toContain(email);
    await expect(handler(undefined as never, CONTEXT)).rejects.toMatchObject({ name: 'InputInvalid' });
  });
});
