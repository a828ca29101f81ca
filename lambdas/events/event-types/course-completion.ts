import type { EventTypeDefinition } from './event-type.ts';

/** A learner has completed a course. */
export const courseCompletion = {
  userIdAt: ['user', 'id'],
  enrichment: 'learning_time',
} as const satisfies EventTypeDefinition;
