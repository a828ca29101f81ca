import type { PipelineFunction } from './pipeline-function.ts';
import type { Secrets } from './secrets.ts';
import type { Stage } from './stage-schema.ts';

/** Access to the warehouse, which is not part of the stack. */
export class Warehouse {
  readonly #settings: Stage['warehouse'];
  readonly #secrets: Secrets;
  readonly #stageName: string;

  constructor({ name, warehouse }: Stage, secrets: Secrets) {
    this.#stageName = name;
    this.#settings = warehouse;
    this.#secrets = secrets;
  }

  /**
   * Lets a function log in and query learning time.
   *
   * @param functionName part of the query tag in Snowflake's query history
   */
  grantQuery(fn: PipelineFunction, functionName: string): void {
    const { warehouse, role, table, columns, enterpriseIdForm, breaker } = this.#settings;
    this.#secrets.grantReadSnowflake(fn);
    fn.setVariable('SNOWFLAKE_WAREHOUSE', warehouse);
    fn.setVariable('SNOWFLAKE_ROLE', role);
    fn.setVariable('SNOWFLAKE_QUERY_TAG', `learning-time-webhooks/${this.#stageName}/${functionName}`);
    fn.setVariable('WAREHOUSE_FAILURES_TO_OPEN', String(breaker.failuresToOpen));
    fn.setVariable('WAREHOUSE_OPEN_SECONDS', String(breaker.openSeconds));
    fn.setVariable('WAREHOUSE_SLOW_SECONDS', String(breaker.slowSeconds));
    fn.setVariable('LEARNING_TIME_TABLE', table);
    fn.setVariable('LEARNING_TIME_USER_COLUMN', columns.user);
    fn.setVariable('LEARNING_TIME_COURSE_COLUMN', columns.course);
    fn.setVariable('LEARNING_TIME_ENTERPRISE_COLUMN', columns.enterprise);
    fn.setVariable('LEARNING_TIME_ENTERPRISE_FORM', enterpriseIdForm);
    fn.setVariable('LEARNING_TIME_DATE_COLUMN', columns.date);
    fn.setVariable('LEARNING_TIME_SECONDS_COLUMN', columns.seconds);
    // For snowflake-sdk 3, which otherwise calls the metadata service and STS, loads a native library, and sends connection
    // telemetry.
    fn.setVariable('SNOWFLAKE_DISABLE_PLATFORM_DETECTION', 'true');
    fn.setVariable('SNOWFLAKE_DISABLE_MINICORE', 'true');
    fn.setVariable('SF_TELEMETRY_DISABLE_CONNECTION_SHAPE', '1');
  }
}
