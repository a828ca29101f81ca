import { COURSE, ENTERPRISE } from '../../local/demo/sample-events.ts';
import { startSnowflakeServer } from '../../local/snowflake/snowflake-server.ts';
import { type CpuUse, ownCpuMs } from '../cpu.ts';
import { carryOutOrders } from '../worker.ts';

/** Replaces the table by a given number of learners, each with one row, active in the last ten days. */
export interface WarehouseOrder {
  readonly rows?: number;
}

export interface WarehouseUse extends CpuUse {
  readonly address: string;
  /** When the function began to read the result, in epoch milliseconds: its first request for a chunk since the last order. */
  readonly readFromMs: number | undefined;
}

const POLL_MS = 2;

/** The local platform's warehouse, for the user in `SNOWFLAKE_USER` (JSON). */
const server = await startSnowflakeServer(JSON.parse(String(process.env.SNOWFLAKE_USER)));
const TABLE = 'PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME';
let chunksBefore = 0;
let readFromMs: number | undefined;
setInterval(() => {
  if (readFromMs === undefined && server.chunkRequestCount() > chunksBefore) readFromMs = Date.now();
}, POLL_MS);

carryOutOrders<WarehouseOrder, WarehouseUse>(async ({ rows }) => {
  const use = { address: server.url, readFromMs, cpuMs: ownCpuMs() };
  if (rows !== undefined) {
    await server.execute(`DELETE FROM ${TABLE}`);
    await server.execute(`INSERT INTO ${TABLE}
      SELECT learner, '${COURSE}', '${ENTERPRISE}', CURRENT_DATE - CAST(learner % 10 AS INTEGER), 3600 + learner % 3600
      FROM range(1, ${rows + 1}) AS learners(learner)`);
    chunksBefore = server.chunkRequestCount();
    readFromMs = undefined;
  }
  return use;
});
