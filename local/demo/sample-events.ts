import type { LearningTimeRow } from '../snowflake/snowflake-server.ts';

export const ENTERPRISE = 'a1b2c3d4-e5f6-7890-abcd-ef1234567890';
export const COURSE = 'course-v1:edX+DemoX+Demo_Course';

/** Learners of the sample, by their data in the warehouse. */
export const LEARNER = {
  known: 12345,
  idle: 20001,
  unknown: 20002,
  forTwo: 20003,
  fallback: 30001,
  back: 30002,
  switchedOff: 30003,
  warmed: 40002,
} as const;

/** Rows of the learning-time table: daily sums. */
export const LEARNING_TIME_ROWS: readonly LearningTimeRow[] = [
  row(LEARNER.known, '2026-01-08', 7200),
  row(LEARNER.known, '2026-01-09', 9000),
  row(LEARNER.known, '2026-01-10', 2340),
  row(LEARNER.idle, '2026-01-10', 0),
  row(LEARNER.forTwo, '2026-01-10', 5400),
  row(LEARNER.fallback, '2026-01-10', 600),
  row(LEARNER.back, '2026-01-10', 3600),
  row(LEARNER.switchedOff, '2026-01-10', 600),
  // WarmCache loads learners with activity in the last days only.
  row(LEARNER.warmed, new Date().toISOString().slice(0, 10), 4500),
];

function row(userId: number, date: string, seconds: number): LearningTimeRow {
  return { userId, courseId: COURSE, enterpriseId: ENTERPRISE, date, seconds };
}

/** The event for a completed course. */
export function completion(eventId: string, integrationId: string, userId: number | string, percentGrade = 0.92) {
  return {
    schema_version: 1,
    event_type: 'course_completion',
    event_id: eventId,
    integration_id: integrationId,
    occurred_at: '2026-01-10T15:30:00Z',
    payload: {
      user: { id: userId, email: 'learner@example.com', username: 'learner' },
      course: { course_id: COURSE, course_name: 'edX Demo Course' },
      completion: {
        completion_date: '2026-01-10T15:30:00Z',
        percent_grade: percentGrade,
        letter_grade: percentGrade < 0.9 ? 'B' : 'A',
        is_passing: true,
      },
      enterprise: { enterprise_customer_uuid: ENTERPRISE, enterprise_customer_name: 'Demo Corp' },
    },
  };
}

export function enrollment(eventId: string, integrationId: string, userId: number) {
  const { payload, ...event } = completion(eventId, integrationId, userId);
  const { completion: _, ...rest } = payload;
  return {
    ...event,
    event_type: 'course_enrollment',
    payload: { ...rest, enrollment: { enrollment_date: '2026-01-10T15:30:00Z', mode: 'verified', is_active: true } },
  };
}

/** A lead of a chat bot (requirement W2). `more` adds fields of the event. */
export function lead(
  eventId: string,
  integrationId: string,
  userId: number,
  leadType: string,
  occurredAt: string,
  more: Readonly<Record<string, unknown>> = {},
) {
  return {
    schema_version: 1,
    event_type: 'lead',
    event_id: eventId,
    integration_id: integrationId,
    occurred_at: occurredAt,
    payload: {
      user_id: userId,
      lead_type: leadType,
      timestamp: occurredAt,
      ...(leadType === 'hot' && { priority: 'high' }),
      first_name: 'Sample',
    },
    ...more,
  };
}
