import type * as z from 'zod';
import type { checkWarehouseEnvironment } from '../contract/environment.ts';

/** A stage's names in Snowflake, as its functions are told them. */
export function learningTimeTables(environment: z.infer<typeof checkWarehouseEnvironment>) {
  return {
    warehouse: environment.SNOWFLAKE_WAREHOUSE,
    role: environment.SNOWFLAKE_ROLE,
    table: environment.LEARNING_TIME_TABLE,
    columns: {
      user: environment.LEARNING_TIME_USER_COLUMN,
      course: environment.LEARNING_TIME_COURSE_COLUMN,
      enterprise: environment.LEARNING_TIME_ENTERPRISE_COLUMN,
      date: environment.LEARNING_TIME_DATE_COLUMN,
      seconds: environment.LEARNING_TIME_SECONDS_COLUMN,
    },
    enterpriseIdForm: environment.LEARNING_TIME_ENTERPRISE_FORM,
  };
}
