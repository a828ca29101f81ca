import { describe, expect, test } from '@jest/globals';
import validate from 'asl-validator';
import { MAX_EXECUTION_DAYS } from '../../lambdas/contract/delivery.ts';
import * as errors from '../../lambdas/contract/errors.ts';
import { LAMBDA_FAULTS, PASSING_FAULTS } from '../../lib/retriers.ts';
import { findStage } from '../../lib/stage.ts';
import { synthesize, workflowDefinition } from '../support/synthesized-stack.ts';

const definition = workflowDefinition(synthesize('local'));
const { functions } = findStage('local');
const SOON = { IntervalSeconds: 1, BackoffRate: 2, MaxDelaySeconds: 60, MaxAttempts: 64 };

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

  test('has these states, and starts with a wait', () => {
    expect(definition.StartAt).toBe('WaitUntilDue');
    expect(Object.keys(definition.States).sort()).toEqual([
      'Bury',
      'ComposeDeadLetter',
      'Deliver',
      'Enrich',
      'Finished',
      'IsEnrichmentSettled',
      'SendWithoutLearningTime',
      'WaitUntilDue',
      'WhatBecameOfIt',
      'WhatIsNext',
    ]);
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
  test('Lambda’s own faults come first, for an hour', () => {
    expect(LAMBDA_FAULTS).toEqual([
      'Lambda.TooManyRequestsException',
      'Lambda.ServiceException',
      'Lambda.AWSLambdaException',
      'Lambda.SdkClientException',
      'Lambda.ClientExecutionTimeoutException',
      'Lambda.Unknown',
      'Runtime.ExitError',
      'Sandbox.Timedout',
      'States.Timeout',
    ]);
    expect(definition.States.Enrich.Retry).toEqual([{ ErrorEquals: LAMBDA_FAULTS, ...SOON }]);
    expect(definition.States.Deliver.Retry[0]).toEqual({ ErrorEquals: LAMBDA_FAULTS, ...SOON });
  });

  test('then, where it delivers, faults that an operator may mend, for four hours', () => {
    expect(definition.States.Deliver.Retry.slice(1)).toEqual([
      { ErrorEquals: PASSING_FAULTS, IntervalSeconds: 5, BackoffRate: 2, MaxDelaySeconds: 900, MaxAttempts: 22 },
    ]);
  });

  test('name errors as the functions throw them', () => {
    const thrown = Object.entries(errors).filter(([, value]) => value.prototype instanceof errors.PipelineError);
    const names = thrown.map(([, value]) => new (value as typeof errors.SecretUnavailable)('').name);
    expect(names).toEqual(expect.arrayContaining(PASSING_FAULTS));
  });

  test('a failed enrichment sends without learning time, and adds nothing to the delivery', () => {
    expect(definition.States.Enrich.Catch).toEqual([
      { ErrorEquals: ['States.ALL'], ResultPath: null, Next: 'SendWithoutLearningTime' },
    ]);
    expect(definition.States.Deliver).not.toHaveProperty('Catch');
  });

  test('a dead letter is tried for an hour, whatever goes wrong', () => {
    expect(definition.States.Bury).toMatchObject({
      Resource: 'arn:aws:states:::sqs:sendMessage',
      ResultPath: null,
      Retry: [{ ErrorEquals: ['States.ALL'], ...SOON }],
      Next: 'Finished',
    });
    expect(definition.States.Bury.Parameters.QueueUrl).toBe('<QueuesDeliveriesDeadLetters>');
  });
});
