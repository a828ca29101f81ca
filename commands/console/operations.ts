import { readOverview } from './operations/overview.ts';
import { runCommand } from './operations/run-command.ts';
import { readStage } from './operations/stage.ts';

/** Every function that the page can call, by the name in its URL: `POST /api/<name>`. */
export const OPERATIONS = {
  stage: readStage,
  overview: readOverview,
  command: runCommand,
} as const;

export type Operations = typeof OPERATIONS;
