import { expect, test } from '@jest/globals';
import { createSnowflakeInspector } from '../../../lambdas/warehouse/snowflake/inspector.ts';
import { loadSnowflakeSdk } from '../../../lambdas/warehouse/snowflake/sdk.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { NAMES } from '../../support/learning-time-table.ts';
import { startMisbehavingSnowflake } from '../../support/misbehaving-snowflake.ts';
import { account, quietSnowflakeSdk, user } from '../../support/snowflake.ts';

const keep = closedAfterEach();

// `warehouse/inspect.test.ts` tests the steps.
test('an SDK that is loaded after the check ended opens no connection', async () => {
  quietSnowflakeSdk();
  const server = await keep(startMisbehavingSnowflake());
  const loading = Promise.withResolvers<void>();
  const loaded = Promise.withResolvers<void>();
  const loadSdk = async () => {
    await loading.promise;
    setImmediate(loaded.resolve);
    return loadSnowflakeSdk();
  };
  const secret = { account, user, password: 'some password', access_url: server.url };
  const inspector = createSnowflakeInspector({ secret, names: NAMES, queryTag: 'check', loadSdk });
  expect(await inspector.logIn(20)).toMatchObject({ failure: { kind: 'unreachable', code: 'deadline' } });
  inspector.close();
  loading.resolve();
  await loaded.promise;
  expect(await inspector.logIn(10_000)).toMatchObject({ failure: { kind: 'gone', code: 'discarded' } });
  expect(server.requests()).toBe(0);
});
