import type { KnownSum } from '../../lambdas/warehouse/check.ts';
import type { LearnerKey } from '../../lambdas/warehouse/learning-time.ts';
import type { WarehouseNames } from '../../lambdas/warehouse/query.ts';

export const NAMES: WarehouseNames = {
  warehouse: 'COMPUTE_WH',
  role: 'ANALYST',
  table: 'PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME',
  columns: {
    user: 'USER_ID',
    course: 'COURSE_KEY',
    enterprise: 'ENTERPRISE_CUSTOMER_UUID',
    date: 'DATE',
    seconds: 'LEARNING_TIME_SECONDS',
  },
  enterpriseIdForm: 'lower',
};

export const courseId = 'course-v1:edX+DemoX+Demo_Course';
export const enterpriseId = 'a1b2c3d4-e5f6-7890-abcd-ef1234567890';

export function learner(userId: string): LearnerKey {
  return { userId, courseId, enterpriseId };
}

/** A sum of a learner that is known from another source. */
export function known(userId: string, totalSeconds: number): KnownSum {
  return {
    user_id: userId,
    course_id: courseId,
    enterprise_customer_uuid: enterpriseId,
    total_seconds: totalSeconds,
  };
}

/** A day's seconds of a learner. */
export function day(userId: number | bigint, date: string, seconds: number | bigint | null) {
  return { userId, courseId, enterpriseId, date, seconds };
}
