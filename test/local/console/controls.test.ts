import { expect, test } from '@jest/globals';
import { NotReached } from '../../../local/clock/clock.ts';
import { createControls } from '../../../local/console/controls.ts';
import type { Session } from '../../../local/demo/session.ts';

test('a skip that gives up on the way has moved the clock as well: it is reported, and its error too', async () => {
  let skips = 0;
  const session = { skip: () => Promise.reject(new NotReached('skip: the platform is still at work')) };
  const controls = createControls(session as unknown as Session, () => {
    skips += 1;
  });
  await expect(controls(['skip', '2h'])).rejects.toThrow('still at work');
  expect(skips).toBe(1);
});
