import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import validate from 'asl-validator';
import { MAX_EXECUTION_DAYS } from '../../lambdas/events/delivery.ts';
import * as errors from '../../lambdas/shared/errors.ts';
import { FOREIGN_FAULTS, INPUT_FAULTS, INTERRUPTED_FAULTS, NOT_RUN_FAULTS } from '../../lib/lambda-faults.ts';
import { PASSING_FAULTS } from '../../lib/retriers.ts';
import { findStage } from '../../lib/stage.ts';
import { synthesize, workflowDefinition } from '../support/synthesized-stack.ts';

const definition = workflowDefinition(synthesize('local'));
const { functions } = findStage('local');
const SOON = { IntervalSeconds: 1, BackoffRate: 2, MaxDelaySeconds: 60, MaxAttempts: 64 };
const PATIENT = { IntervalSeconds: 1, BackoffRate: 2, MaxDelaySeconds: 900 };

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
  test('a delivery whose function does not run waits for 72 hours', () => {
    expect(definition.States.Deliver.Retry[0]).toEqual({ ErrorEquals: NOT_RUN_FAULTS, ...PATIENT, MaxAttempts: 296 });
    for (const name of ['TooManyRequests', 'Service', 'ResourceNotReady', 'ENILimitReached', 'EC2Throttled']) {
      expect(NOT_RUN_FAULTS).toContain(`Lambda.${name}Exception`);
    }
  });

  test('one that was interrupted may have been sent, and is repeated for an hour', () => {
    expect(definition.States.Deliver.Retry[1]).toEqual({
      ErrorEquals: INTERRUPTED_FAULTS,
      ...PATIENT,
      MaxAttempts: 12,
    });
    expect(INTERRUPTED_FAULTS).toEqual(
      expect.arrayContaining(['States.Timeout', 'Sandbox.Timedout', 'Runtime.ExitError', 'Lambda.Unknown']),
    );
  });

  test('one that an operator may fix waits for four hours', () => {
    const retrier = { ...PATIENT, IntervalSeconds: 5, MaxAttempts: 22 };
    expect(definition.States.Deliver.Retry[2]).toEqual({ ErrorEquals: PASSING_FAULTS, ...retrier });
    expect(definition.States.Deliver.Retry).toHaveLength(3);
  });

  test('the enrichment has one hour for all of Lambda’s faults together', () => {
    expect(definition.States.Enrich.Retry).toEqual([
      { ErrorEquals: [...NOT_RUN_FAULTS, ...INTERRUPTED_FAULTS], ...SOON },
    ]);
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

  test('name errors as the functions throw them', () => {
    const thrown = Object.entries(errors).filter(([, value]) => value.prototype instanceof errors.PipelineError);
    const names = thrown.map(([, value]) => new (value as typeof errors.SecretUnavailable)('').name);
    expect(names).toEqual(expect.arrayContaining(PASSING_FAULTS));
  });

  test('a dead-letter message is retried for an hour, after any error', () => {
    expect(definition.States.SendDeadLetter).toMatchObject({
      Resource: 'arn:aws:states:::sqs:sendMessage',
      ResultPath: null,
      Retry: [{ ErrorEquals: ['States.ALL'], ...SOON }],
      Next: 'Finished',
    });
    expect(definition.States.SendDeadLetter.Parameters.QueueUrl).toBe('<QueuesDeliveriesDeadLetters>');
  });
});
