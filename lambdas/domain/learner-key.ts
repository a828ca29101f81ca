import type { DeliverySubject } from '../contract/delivery.ts';
import type { LearnerKey } from '../contract/learning-time.ts';

/**
 * A user id as the warehouse's INTEGER column wants it, or undefined where it is none: a username, a fraction, a number
 * too large to have come through JSON exactly.
 */
export function warehouseUserId(userId: unknown): string | undefined {
  if (typeof userId === 'number') return Number.isSafeInteger(userId) && userId >= 0 ? String(userId) : undefined;
  return typeof userId === 'string' && /^\d{1,18}$/.test(userId) ? userId : undefined;
}

/** What to ask the warehouse for a delivery, or undefined where the event did not identify the learner. */
export function learnerKey(delivery: DeliverySubject): LearnerKey | undefined {
  const { user_id: userId, course_id: courseId, enterprise_customer_uuid: enterpriseId } = delivery;
  if (userId === undefined || courseId === undefined || enterpriseId === undefined) return undefined;
  return { userId, courseId, enterpriseId };
}
