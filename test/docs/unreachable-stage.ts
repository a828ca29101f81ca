import type { Context } from '../../commands/context.ts';
import { NOW } from '../support/factories.ts';

/** A command got as far as to the stage, so all its words were understood. */
export class Reached extends Error {}

/** For commands that stand in a guide: none of them does anything. */
export const unreachable = {
  now: () => NOW,
  openStage: async () => {
    throw new Reached();
  },
  terminal: { print() {} },
} as unknown as Context;
