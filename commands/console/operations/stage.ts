import * as z from 'zod';
import { operation } from '../operation.ts';

/** Which stage the console was started for. */
export const readStage = operation(z.strictObject({}), async (_input, { stage, now }) => ({
  name: stage.name,
  /** Of its clock: that of a local platform may have skipped time. */
  now: new Date(now()).toISOString(),
}));
