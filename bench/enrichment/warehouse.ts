import { type SnowflakeServerOptions, startSnowflakeServer } from '../../local/snowflake-server.ts';
import type { ServerUse } from '../server-use.ts';
import { ROWS_SQL } from './events.ts';

/**
 * The local platform's warehouse in a process of its own. Gets its account by message, tells its URL, then at any message
 * how it is used. Ends with its parent.
 */
export interface WarehouseUse extends ServerUse {
  readonly logins: number;
  readonly statements: number;
}

process.once('disconnect', () => process.exit());
process.once('message', async (options: SnowflakeServerOptions) => {
  const server = await startSnowflakeServer(options);
  await server.execute(ROWS_SQL);
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    const [logins, statements] = [server.loginCount(), server.queries().length];
    const use: WarehouseUse = { requests: logins + statements, logins, statements, cpuMs: (user + system) / 1000 };
    process.send?.(use);
  });
  process.send?.(server.url);
});
