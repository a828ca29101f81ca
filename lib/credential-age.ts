import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import type { Code } from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { type FunctionDefaults, PipelineFunction } from './pipeline-function.ts';
import type { Secrets } from './secrets.ts';
import type { Stage } from './stage-schema.ts';

/** Four times within the day that the alarm looks back: one that is missed is none. */
const INTERVAL = Duration.hours(6);

export interface CredentialAgeProps {
  readonly stage: Stage;
  readonly defaults: FunctionDefaults;
  readonly code: Code;
  readonly secrets: Secrets;
}

/**
 * Publishes how old the Snowflake credential is, which may not read what it is. What fails is not kept: the alarm rings for
 * an age that nobody publishes.
 */
export class CredentialAge extends Construct {
  readonly age: PipelineFunction;

  constructor(scope: Construct, id: string, { stage, defaults, code, secrets }: CredentialAgeProps) {
    super(scope, id);
    this.age = new PipelineFunction(this, 'CredentialAge', {
      defaults,
      code,
      handler: 'credential-age.handler',
      size: stage.functions.credentialAge,
      service: 'operations',
      speaksTo: 'aws',
    });
    secrets.grantListSnowflakeVersions(this.age);
    new Rule(this.age, 'Rule', {
      description: 'Publishes how old the Snowflake credential is',
      schedule: Schedule.rate(INTERVAL),
      targets: [new FunctionTarget(this.age.lambda, { retryAttempts: 2, maxEventAge: Duration.hours(1) })],
    });
  }
}
