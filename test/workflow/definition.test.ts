import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import validate from 'asl-validator';
import { MAX_EXECUTION_DAYS } from '../../lambdas/events/delivery.ts';
import * as errors from '../../lambdas/shared/errors.ts';
import { INTERRUPTED_FAULTS, NOT_RUN_FAULTS } from '../../lib/lambda-faults.ts';
import { PASSING_FAULTS } from '../../lib/retriers.ts';
import { findStage } from '../../lib/stage.ts';
import { synthesize, workflowDefinition } from '../support/synthesized-stack.ts';
import { FOREIGN_FAULTS, INPUT_FAULTS } from './lambda-faults.ts';

const definition = workflowDefinition(synthesize('local'));
const { functions } = findStage('local');

/** The hours of all pauses of a retrier (Amazon States Language, "Retriers"). */
function hoursOf({ IntervalSeconds, BackoffRate, MaxDelaySeconds, MaxAttempts }: Retrier): number {
  const pauses = Array.from({ length: MaxAttempts }, (_, retry) =>
    Math.min(IntervalSeconds * BackoffRate ** retry, MaxDelaySeconds),
  );
  return pauses.reduce((sum, seconds) => sum + seconds) / 3600;
}
interface Retrier {
  readonly ErrorEquals: readonly string[];
  readonly IntervalSeconds: number;
  readonly BackoffRate: number;
  readonly MaxDelaySeconds: number;
  readonly MaxAttempts: number;
}

describe('the synthesized definition', () => {
  test('is valid ASL', () => {
    // Resources are references, which the validator does not know as ARNs.
    const text = JSON.stringify(definition).replace(
      /<[^>]+\.Arn>/g,
      'arn:aws:lambda:us-east-1:000000000000:function:f',
    );
    expect(validate(JSON.parse(text)).errors).toEqual([]);
  });

  test('is JSONPath throughout: the engine that runs it elsewhere ignores JSONata silently', () => {
    expect(JSON.stringify(definition)).not.toContain('QueryLanguage');
    expect(JSON.stringify(definition)).not.toContain('{%');
  });

  test('ends an execution after the days that it may take', () => {
    expect(definition.TimeoutSeconds).toBe(MAX_EXECUTION_DAYS * 24 * 3600);
  });

  test('calls functions directly, and waits a little longer than they may run', () => {
    expect(definition.States.Enrich).toMatchObject({
      Resource: '<EnrichmentEnrichTaskFunction.Arn>',
      TimeoutSeconds: functions.enrichTask.timeoutSeconds + 10,
      ResultPath: '$.progress',
    });
    expect(definition.States.Deliver).toMatchObject({
      Resource: '<DeliveryDeliverTaskFunction.Arn>',
      TimeoutSeconds: functions.deliverTask.timeoutSeconds + 10,
      ResultPath: '$.progress',
    });
  });
});

describe('retriers', () => {
  test.each([
    ['Deliver', 'a function that does not run', NOT_RUN_FAULTS, 72],
    ['Deliver', 'an interrupted one, which may have sent', INTERRUPTED_FAULTS, 1],
    ['Deliver', 'a fault that an operator may fix', PASSING_FAULTS, 4],
    ['Enrich', 'all faults of Lambda together', [...NOT_RUN_FAULTS, ...INTERRUPTED_FAULTS], 1],
    ['SendDeadLetter', 'any error', ['States.ALL'], 1],
  ])('%s: %s, %j, is retried for %i hours, with pauses of at most 15 minutes', (state, _, faults, hours) => {
    const retriers: readonly Retrier[] = definition.States[state].Retry;
    const [retrier, ...others] = retriers.filter(({ ErrorEquals }) => ErrorEquals.join() === faults.join());
    expect(others).toEqual([]);
    expect(Math.round(hoursOf(retrier as Retrier))).toBe(hours);
    expect(retrier?.IntervalSeconds).toBeLessThanOrEqual(5);
    expect(retrier?.MaxDelaySeconds).toBeLessThanOrEqual(900);
  });

  test('lists of faults have the names that AWS uses', () => {
    for (const name of ['TooManyRequests', 'Service', 'ResourceNotReady', 'ENILimitReached', 'EC2Throttled']) {
      expect(NOT_RUN_FAULTS).toContain(`Lambda.${name}Exception`);
    }
    const interrupted = ['States.Timeout', 'Sandbox.Timedout', 'Runtime.ExitError', 'Lambda.Unknown'];
    expect(INTERRUPTED_FAULTS).toEqual(expect.arrayContaining(interrupted));
  });

  test('every error that Lambda’s Invoke declares is on one list, and an error on one list only', () => {
    const source = readFileSync(
      fileURLToPath(import.meta.resolve('@aws-sdk/client-lambda')).replace(
        /dist-.*$/,
        'dist-types/commands/InvokeCommand.d.ts',
      ),
      'utf8',
    );
    const declared = [...source.matchAll(/@throws \{@link (\w+)\}/g)].map(([, name]) => `Lambda.${name}`);
    const listed = [NOT_RUN_FAULTS, INTERRUPTED_FAULTS, INPUT_FAULTS, FOREIGN_FAULTS, PASSING_FAULTS].flat();
    expect(declared).toContain('Lambda.ResourceNotReadyException');
    // The SDK's own base class, which the service never names.
    expect(declared.filter((name) => !listed.includes(name))).toEqual(['Lambda.LambdaServiceException']);
    expect(listed).toHaveLength(new Set(listed).size);
    expect(listed).toEqual(expect.arrayContaining(['Lambda.Ec2ThrottledException', 'Lambda.InvalidSubnetIdException']));
    expect(listed).toContain('Lambda.SubnetIpAddressLimitReachedException');
  });

  test('names errors as the functions throw them', () => {
    const thrown = Object.entries(errors).filter(([, value]) => value.prototype instanceof errors.PipelineError);
    const names = thrown.map(([, value]) => new (value as typeof errors.SecretUnavailable)('').name);
    expect(names).toEqual(expect.arrayContaining(PASSING_FAULTS));
  });
});
