import type { EventTypeDefinition } from './event-type.ts';

/** A learner has enrolled in a course: there is no learning time yet. */
export const courseEnrollment = {
  userIdAt: ['user', 'id'],
  enrichment: 'none',
} as const satisfies EventTypeDefinition;
