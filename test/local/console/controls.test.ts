import { expect, test } from '@jest/globals';
import { NotReached } from '../../../local/clock/clock.ts';
import { createControls } from '../../../local/console/controls.ts';
import type { World } from '../../../local/demo/world.ts';

test('a skip that gives up on the way has moved the clock as well: it is reported, and its error too', async () => {
  let skips = 0;
  const world = { skip: () => Promise.reject(new NotReached('skip: the platform is still at work')) };
  const controls = createControls(world as unknown as World, () => {
    skips += 1;
  });
  await expect(controls(['skip', '2h'])).rejects.toThrow('still at work');
  expect(skips).toBe(1);
});
