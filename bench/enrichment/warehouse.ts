import { startSnowflakeServer } from '../../local/snowflake/snowflake-server.ts';
import { answerServerOrders } from '../worker.ts';
import { ROWS_SQL } from './events.ts';

/** The local platform's warehouse, for the user in `SNOWFLAKE_USER` (JSON). */
export interface WarehouseUse {
  readonly statements: number;
}

const server = await startSnowflakeServer(JSON.parse(String(process.env.SNOWFLAKE_USER)));
await server.execute(ROWS_SQL);
answerServerOrders<WarehouseUse>(server.url, () => ({ statements: server.queries().length }));
