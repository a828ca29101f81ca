import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { output } from '../../local/demo/operator.ts';
import { completion } from '../../local/demo/sample-events.ts';
import { awaitQuiet } from '../../local/soak/await-quiet.ts';
import { answerOf, type MisbehavingSnowflake, startMisbehavingSnowflake } from '../support/misbehaving-snowflake.ts';
import { learningTimeOf, logged, receiptsOf, runningWorld } from './running-world.ts';

const world = runningWorld({ flag: 'on', partners: { skillsoft: { answers: 200 } } });

let snowflake: MisbehavingSnowflake;
beforeAll(async () => {
  snowflake = await startMisbehavingSnowflake();
});
afterAll(() => snowflake.close());

test('rows that make the SDK throw where nobody can catch it end no function: events go out without learning time', async () => {
  const { platform, publish } = world();
  const secretName = output(platform, 'SnowflakeSecretName');
  const secret = JSON.parse(platform.controlPlane.secretsManager.current(secretName) ?? '{}');
  platform.secrets.put(secretName, JSON.stringify({ ...secret, access_url: snowflake.url }));
  snowflake.answers = { query: answerOf([null] as never) };
  const ids = [1, 2, 3].map((number) => `odd-rows-${number}`);
  await publish(ids.map((id, index) => JSON.stringify(completion(id, 'skillsoft', 810_000 + index))));
  const receipts = () => ids.map((id) => receiptsOf(world(), 'skillsoft', id));
  await awaitQuiet(world());
  expect(receipts().map(([receipt]) => learningTimeOf(receipt))).toEqual([undefined, undefined, undefined]);
  expect((await logged(world(), 'warehouse.failed')).length).toBeGreaterThan(1);
  const endings = platform.functions
    .all()
    .flatMap((pool) => pool.logs().filter(({ text }) => /exit|TypeError/.test(text)));
  expect(endings.map(({ text }) => text)).toEqual([]);
});
