import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from '@jest/globals';
import { output } from '../../local/demo/operator.ts';
import { COURSE, completion, ENTERPRISE } from '../../local/demo/sample-events.ts';
import { until } from '../support/assembly.ts';
import { createKeyPair } from '../support/snowflake.ts';
import { learningTimeOf, logged, receiptsOf, runningWorld } from './running-world.ts';

const EVENTS = 450;
const EVERY_MS = 20;
const FIRST_LEARNER = 700_000;
/** Six seconds apart: an environment asks for its secret anew once in five. */
const ROTATE_AT = [100, 400];

const world = runningWorld({ flag: 'on', partners: { skillsoft: { answers: 200 } } });

/** As an operator does: the secret has the new key, then the old one is taken from the user, and its sessions end. */
function rotateKey(): void {
  const { platform, warehouse } = world();
  const { publicKey, privateKey } = createKeyPair();
  const secretName = output(platform, 'SnowflakeSecretName');
  const secret = JSON.parse(platform.controlPlane.secretsManager.current(secretName) ?? '{}');
  platform.secrets.put(secretName, JSON.stringify({ ...secret, private_key: privateKey }));
  warehouse.rotateKey(publicKey);
  warehouse.endSessions();
}

test('the warehouse’s key is rotated twice while events flow: each has its learning time, and none needed a retry', async () => {
  const learners = Array.from({ length: EVENTS }, (_, index) => FIRST_LEARNER + index);
  // Nobody is in the cache: each event asks the warehouse.
  await world().warehouse.load(
    learners.map((userId) => ({
      userId,
      courseId: COURSE,
      enterpriseId: ENTERPRISE,
      date: '2026-01-10',
      seconds: userId,
    })),
  );
  for (const [index, learner] of learners.entries()) {
    if (ROTATE_AT.includes(index)) rotateKey();
    await Promise.all([
      world().publish([JSON.stringify(completion(`rotated-${learner}`, 'skillsoft', learner))]),
      sleep(EVERY_MS),
    ]);
  }
  const receipts = () => learners.map((learner) => receiptsOf(world(), 'skillsoft', `rotated-${learner}`)[0]);
  await until(() => receipts().every((receipt) => receipt !== undefined), 60_000);
  expect(receipts().map((receipt) => learningTimeOf(receipt)?.total_seconds)).toEqual(learners);
  expect(world().platform.stateMachine.executions()).toEqual([]);
  // They did meet the old key's refusal, and went for the new secret.
  expect((await logged(world(), 'warehouse.reconnecting')).length).toBeGreaterThanOrEqual(2);
}, 120_000);
