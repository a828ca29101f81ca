import { beforeEach, describe, expect, test } from '@jest/globals';
import {
  readEnterprise,
  readEnterpriseAdoption,
  readFlagRevert,
  readRollout,
  readRolloutPhase,
} from '../../../../commands/console/operations/rollout.ts';
import { runCommand } from '../../../../commands/console/operations/run-command.ts';
import { PHASES } from '../../../../commands/rollout/criteria.ts';
import { bucket } from '../../../../lambdas/flag/evaluate-flag.ts';
import { CLOUDWATCH_TARGET, cloudWatchApi } from '../../../../local/cloudwatch/cloudwatch.ts';
import { LocalMetrics } from '../../../../local/cloudwatch/metrics.ts';
import { AwsError } from '../../../../local/control-plane/aws-error.ts';
import { eachTest } from '../../../support/each-test.ts';
import { ENRICHED } from '../../../support/factories.ts';
import { ALARM, BROKEN, FIRST, SECOND, startFlagWorld } from '../../flag/flag-world.ts';
import { DELIVERED, startLedgerOperator } from '../../ledger/ledger-operator.ts';
import { startOperatorWorld } from '../../operator-world.ts';
import { runOperation } from '../work.ts';

describe('the flag', () => {
  const operator = eachTest(startFlagWorld);
  let cloudWatch: ReturnType<typeof cloudWatchApi>;
  const ON = { enabled: true, rollout_percentage: 20, pilot_enterprises: ['pilot-1'] };
  const read = () => runOperation(readRollout, {}, operator.world);
  const run = (...words: readonly string[]) => runOperation(runCommand, { words }, operator.world);

  beforeEach(() => {
    operator.deployPartners(FIRST, SECOND);
    operator.deployFlag(ON);
    const name = 'learning-time-webhooks-local-fallbacks';
    const arn = ALARM.replace('harm', name);
    operator.store.watchAlarms('app', 'flags-env', [arn, ALARM]);
    const alarm = { name, arn, description: '', state: 'OK', sinceMs: undefined, values: [], threshold: 1 } as const;
    cloudWatch = cloudWatchApi(
      new LocalMetrics(),
      () => {},
      () => [{ ...alarm, isComposite: false }],
    );
    operator.world.plane.registerTarget(CLOUDWATCH_TARGET, (...asked) => cloudWatch(...asked));
  });

  test('with its deployment, who rolls it back, and the enterprises with their positions', async () => {
    expect(await read()).toEqual({
      newest: expect.objectContaining({ number: 2, version: '2', state: 'COMPLETE' }),
      deployed: {
        flag: { ...ON, cache_ttl_seconds: 3600 },
        ...{ version: 2, deployment: 2, config_version: expect.stringMatching(/^content-/) },
      },
      timeLeft: undefined,
      monitors: [
        { name: 'fallbacks', state: 'OK' },
        { name: 'harm', state: undefined },
      ],
      ofIntegrations: [FIRST, SECOND].map((id) => ({ id, position: bucket(id) })),
      pilots: [{ id: 'pilot-1', position: bucket('pilot-1') }],
      cacheTtlBounds: { minimum: 60, maximum: 86_400 },
      warnings: ['No integration has these pilots, check their ids: pilot-1'],
    });
  });

  test('while a deployment bakes, and after an alarm has rolled it back', async () => {
    await operator.bake('percent', '50');
    operator.world.nowMs += 4 * 60_000;
    expect(await read()).toMatchObject({
      newest: { number: 3, state: 'BAKING', description: 'percent 50', bake_minutes: 10 },
      timeLeft: '6 minutes left',
      deployed: { version: 3 },
    });
    operator.store.setAlarm(ALARM, true);
    expect(await read()).toMatchObject({
      newest: { number: 3, state: 'ROLLED_BACK', last_event: `Rolled back since the alarm ${ALARM} is in ALARM` },
      timeLeft: undefined,
      deployed: { version: 2 },
    });
  });

  test('that was broken in the AppConfig console: says what to do, and can be disabled', async () => {
    operator.deployDocument(BROKEN);
    expect(await read()).toMatchObject({
      newest: { number: 3 },
      deployed: { error: expect.stringContaining('run "./ltw flag revert"; "./ltw flag disable" works all the same') },
      ofIntegrations: [{ id: FIRST }, { id: SECOND }],
      pilots: [],
    });
    expect(await run('flag', 'disable')).toMatchObject({ exitCode: 0 });
    expect(operator.served()).toEqual({ enabled: false });
  });

  test('without monitors, which a disable that was killed leaves, is a warning', async () => {
    operator.store.watchAlarms('app', 'flags-env', []);
    expect((await read()).warnings).toContainEqual(expect.stringMatching(/^No alarm monitors the flag/));
  });

  test('is shown where the alarms or the integrations cannot be read', async () => {
    operator.world.deploy([]);
    cloudWatch = async () => {
      throw new AwsError('AccessDeniedException', 400, 'no permission for cloudwatch:DescribeAlarms');
    };
    expect(await read()).toMatchObject({
      deployed: { version: 2 },
      monitors: { error: 'AWS denies the call: no permission for cloudwatch:DescribeAlarms' },
      ofIntegrations: { error: 'the integrations document is not a JSON object' },
      pilots: [{ id: 'pilot-1' }],
    });
  });

  test('what a revert does: before, after, and whether it switches the flag on', async () => {
    const revert = () => runOperation(readFlagRevert, {}, operator.world);
    await run('flag', 'disable');
    expect(await revert()).toMatchObject({
      ...{ number: 3, state: 'COMPLETE', earlier: 2, version: 2, isSwitchedOn: true },
      before: { enabled: false },
      after: ON,
    });
    expect(await run('flag', 'revert', '--if-deployment', '3')).toMatchObject({ exitCode: 0 });
    expect(operator.served()).toMatchObject(ON);
    expect(await revert()).toBe('deployment 3, the newest, is rolled back already (REVERTED)');
  });

  test('disable works while a deployment bakes and an alarm is in ALARM, for two operators at once', async () => {
    await operator.bake('percent', '50');
    operator.store.setAlarm(ALARM, true);
    const both = await Promise.all([run('flag', 'disable'), run('flag', 'disable')]);
    expect(both.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    expect(operator.served()).toEqual({ enabled: false });
    expect((await read()).newest).toMatchObject({ state: 'COMPLETE' });
  });
});

test('any enterprise: its canonical id and position; an id that no event can have is refused', async () => {
  const world = await startOperatorWorld();
  try {
    expect(await runOperation(readEnterprise, { id: 'ENT-R' }, world)).toEqual({ id: FIRST, position: bucket(FIRST) });
    for (const id of ['<script>alert(1)</script>', '\u202etext', '', 'a'.repeat(65)]) {
      const message = 'the id of an enterprise must be 1-64 of A-Z a-z 0-9 _ -';
      await expect(runOperation(readEnterprise, { id }, world)).rejects.toMatchObject({ message });
    }
  } finally {
    await world.close();
  }
});

describe('a phase', () => {
  const OUTPUTS = { EventsQueueUrl: 'http://sqs/0/events', DeliveriesQueueUrl: 'http://sqs/0/deliveries' };
  const world = eachTest(() => startOperatorWorld({ outputs: OUTPUTS }));

  test.each(PHASES)('%s has the figures that rollout check prints', async (phase) => {
    const api = cloudWatchApi(new LocalMetrics(), () => {});
    world.plane.registerTarget(CLOUDWATCH_TARGET, api);
    const reading = await runOperation(readRolloutPhase, { phase, hours: 1 }, world);
    const { output, exitCode } = await runOperation(
      runCommand,
      { words: ['rollout', 'check', phase, '--hours', '1'] },
      world,
    );
    expect(exitCode).toBe(reading.isMet ? 0 : 1);
    expect(output).toContain(reading.conclusion);
    for (const { verdict, says, is, shouldBe } of reading.criteria) {
      const row = output.split('\n').find((line) => line.includes(`  ${says}  `));
      expect(row?.split(/ {2,}/).slice(0, 4)).toEqual([verdict, says, is, shouldBe]);
    }
  });

  test('cannot be read where CloudWatch denies it', async () => {
    world.plane.registerTarget(CLOUDWATCH_TARGET, async () => {
      throw new AwsError('AccessDeniedException', 400, 'no permission');
    });
    await expect(runOperation(readRolloutPhase, { phase: 'pilot', hours: 1 }, world)).rejects.toMatchObject({
      name: 'AccessDeniedException',
    });
    expect(readRolloutPhase.input.safeParse({ phase: 'pilot', hours: 0.1 }).success).toBe(false);
  });
});

describe('adoption', () => {
  const operator = eachTest(startLedgerOperator);
  const deliver = (enterprise: string, hoursAgo: number) => {
    operator.at(hoursAgo);
    const subject = { event_id: `${enterprise}-${hoursAgo}`, enterprise_customer_uuid: enterprise };
    return operator.delivery(subject, { ...DELIVERED, progress: { ...DELIVERED.progress, enrichment: ENRICHED } });
  };
  const read = (days: number, signal?: AbortSignal) =>
    runOperation(readEnterpriseAdoption, { days }, operator.world, { ...(signal && { signal }) });

  test('is that of the days, with each enterprise’s position', async () => {
    await deliver('ent-a', 1);
    await deliver('ent-a', 2);
    await deliver('ent-b', 30);
    operator.at(0);
    expect(await read(1)).toEqual({
      read: 2,
      since: '2026-01-14T12:00:00.000Z',
      enterprises: [
        {
          ...{ id: 'ent-a', position: bucket('ent-a'), withLearningTime: 2, flagOff: 0, otherwise: 0 },
          firstUse: '2026-01-15T10:00:00.000Z',
        },
      ],
    });
    expect((await read(7)).enterprises.map(({ id }) => id)).toEqual(['ent-a', 'ent-b']);
  });

  test('stops when the page stops it', async () => {
    await deliver('ent-a', 1);
    operator.at(0);
    await expect(read(1, AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
  });
});
