import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import type { CodeBase } from './function-code.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { Secrets } from './secrets.ts';

/** Four times within the day that the alarm looks back: one that is missed is none. */
const INTERVAL = Duration.hours(6);

export interface CredentialAgeProps {
  readonly codeBase: CodeBase;
  readonly secrets: Secrets;
}

/**
 * Publishes how old the Snowflake credential is, which it may not read. A failed run is not kept: the alarm fires if no age is
 * published.
 */
export class CredentialAge extends Construct {
  readonly age: PipelineFunction;

  constructor(scope: Construct, id: string, { codeBase, secrets }: CredentialAgeProps) {
    super(scope, id);
    this.age = new PipelineFunction(this, 'CredentialAge', { codeBase, speaksTo: 'aws' });
    secrets.grantListSnowflakeVersions(this.age);
    new Rule(this.age, 'Rule', {
      description: 'Publishes how old the Snowflake credential is',
      schedule: Schedule.rate(INTERVAL),
      targets: [new FunctionTarget(this.age.lambda, { retryAttempts: 2, maxEventAge: Duration.hours(1) })],
    });
  }
}
