/** The UUID of no learner and no enterprise. */
export const NIL_UUID = '00000000-0000-0000-0000-000000000000';

/** A completion as Open edX publishes it, of no learner. */
export function sampleCompletion(time: string) {
  return {
    user: { id: 0 },
    course: { course_id: 'course-v1:Test+Connection+Test', course_name: 'Connection test' },
    completion: { completion_date: time, percent_grade: 1.0, letter_grade: 'A', is_passing: true },
    enterprise: { enterprise_customer_uuid: NIL_UUID, enterprise_customer_name: 'Connection test' },
  };
}
