import {
  type DuckDBConnection,
  DuckDBDateValue,
  DuckDBInstance,
  DuckDBTimestampValue,
  DuckDBTypeId,
  type DuckDBValue,
} from '@duckdb/node-api';

/** One row of the learning-time table: a learner's seconds in one course on one day. */
export interface LearningTimeRow {
  readonly userId: number | bigint;
  readonly courseId: string;
  readonly enterpriseId: string;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly seconds: number | bigint | null;
}

/** A column as Snowflake describes it beside the rows. */
export interface RowType {
  readonly name: string;
  readonly type: 'fixed' | 'real' | 'text' | 'date' | 'timestamp_ntz' | 'boolean';
  readonly precision: number | null;
  readonly scale: number | null;
  readonly nullable: boolean;
}

/** One row as Snowflake sends it: every value as text. */
export type WireRow = readonly (string | null)[];

/** A bind as the SDK sends it. */
export interface Bind {
  readonly type: string;
  readonly value: string | null;
}

/** Statements on an in-memory DuckDB, with results in Snowflake's types. */
export interface Tables {
  /**
   * @param onRow receives each row: every value as text, dates as days since 1970-01-01, timestamps as seconds since then
   *   with nine decimals
   * @throws StatementTimeout, or DuckDB's error
   */
  execute(
    sqlText: string,
    binds: readonly Bind[],
    timeoutSeconds: number | undefined,
    onRow: (row: WireRow) => void,
  ): Promise<RowType[]>;
  load(rows: readonly LearningTimeRow[]): Promise<void>;
  close(): void;
}

export class StatementTimeout extends Error {
  override readonly name = 'StatementTimeout';
}

const ROWS_PER_INSERT = 500;

/** Creates `database.schema.table` with the columns of requirement T4. */
export async function createTables(database: string, schema: string, table: string): Promise<Tables> {
  const name = `${database}.${schema}.${table}`;
  const instance = await DuckDBInstance.create(':memory:');
  const keeper = await instance.connect();
  await keeper.run(`ATTACH ':memory:' AS ${database}`);
  await keeper.run(`CREATE SCHEMA ${database}.${schema}`);
  // INTEGER is NUMBER(38,0) in Snowflake and 32 bits wide in DuckDB.
  await keeper.run(`CREATE TABLE ${name} (
    USER_ID DECIMAL(38, 0),
    COURSE_KEY VARCHAR(255),
    ENTERPRISE_CUSTOMER_UUID VARCHAR(36),
    DATE DATE,
    LEARNING_TIME_SECONDS DECIMAL(38, 0),
    PRIMARY KEY (USER_ID, COURSE_KEY, ENTERPRISE_CUSTOMER_UUID, DATE)
  )`);
  return {
    async execute(sqlText, binds, timeoutSeconds, onRow) {
      const connection = await instance.connect();
      try {
        return await run(connection, sqlText, binds, timeoutSeconds, onRow);
      } finally {
        connection.closeSync();
      }
    },
    async load(rows) {
      // One statement cannot replace a row that it inserted itself.
      const distinct = [...new Map(rows.map((row) => [primaryKey(row), row])).values()];
      while (distinct.length > 0) {
        const part = distinct.splice(0, ROWS_PER_INSERT);
        const places = part.map(() => '(?, ?, ?, CAST(? AS DATE), ?)').join(', ');
        await keeper.run(`INSERT OR REPLACE INTO ${name} VALUES ${places}`, part.flatMap(rowValues));
      }
    },
    close() {
      keeper.closeSync();
      instance.closeSync();
    },
  };
}

function primaryKey({ userId, courseId, enterpriseId, date }: LearningTimeRow): string {
  return JSON.stringify([String(userId), courseId, enterpriseId, date]);
}

function rowValues({ userId, courseId, enterpriseId, date, seconds }: LearningTimeRow): DuckDBValue[] {
  return [BigInt(userId), courseId, enterpriseId, date, seconds === null ? null : BigInt(seconds)];
}

async function run(
  connection: DuckDBConnection,
  sqlText: string,
  binds: readonly Bind[],
  timeoutSeconds: number | undefined,
  onRow: (row: WireRow) => void,
): Promise<RowType[]> {
  let isLate = false;
  const timer = setTimeout(
    () => {
      isLate = true;
      connection.interrupt();
    },
    Math.min((timeoutSeconds ?? 172_800) * 1000, 2 ** 31 - 1),
  );
  try {
    const result = await connection.stream(sqlText, binds.map(bindValue));
    for await (const rows of result.yieldRows()) {
      for (const row of rows) onRow(row.map(wireText));
    }
    return result.columnNames().map((name, index) => rowTypeOf(name, result.columnType(index)));
  } catch (thrown) {
    throw isLate ? new StatementTimeout('statement timeout') : thrown;
  } finally {
    clearTimeout(timer);
  }
}

function bindValue({ type, value }: Bind): DuckDBValue {
  if (value === null) return null;
  if (type === 'FIXED') return BigInt(value);
  if (type === 'REAL') return Number(value);
  return type === 'BOOLEAN' ? value === 'true' : value;
}

function rowTypeOf(name: string, type: { typeId: DuckDBTypeId; width?: number; scale?: number }): RowType {
  const column = { name: name.toUpperCase(), precision: null, scale: null, nullable: true };
  switch (type.typeId) {
    case DuckDBTypeId.DECIMAL:
      return { ...column, type: 'fixed', precision: type.width ?? 38, scale: type.scale ?? 0 };
    case DuckDBTypeId.INTEGER:
    case DuckDBTypeId.BIGINT:
    case DuckDBTypeId.HUGEINT:
      return { ...column, type: 'fixed', precision: 38, scale: 0 };
    case DuckDBTypeId.FLOAT:
    case DuckDBTypeId.DOUBLE:
      return { ...column, type: 'real' };
    case DuckDBTypeId.DATE:
      return { ...column, type: 'date' };
    case DuckDBTypeId.TIMESTAMP:
      return { ...column, type: 'timestamp_ntz' };
    case DuckDBTypeId.BOOLEAN:
      return { ...column, type: 'boolean' };
    default:
      return { ...column, type: 'text' };
  }
}

function wireText(value: DuckDBValue): string | null {
  if (value === null) return null;
  if (value instanceof DuckDBTimestampValue) return epochSeconds(value.micros);
  return value instanceof DuckDBDateValue ? String(value.days) : String(value);
}

function epochSeconds(micros: bigint): string {
  const fraction = ((micros % 1_000_000n) + 1_000_000n) % 1_000_000n;
  return `${(micros - fraction) / 1_000_000n}.${String(fraction).padStart(6, '0')}000`;
}
