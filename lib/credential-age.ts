import { Duration } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction as FunctionTarget } from 'aws-cdk-lib/aws-events-targets';
import { Construct } from 'constructs';
import type { CodeBase } from './function-code.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { Secrets } from './secrets.ts';

/** Four times in the day that the alarm evaluates: one run that fails leaves the others. */
const INTERVAL = Duration.hours(6);

export interface CredentialAgeProps {
  readonly codeBase: CodeBase;
  readonly secrets: Secrets;
}

/**
 * Publishes the age of the Snowflake credential, without permission to read it. A failed run is not stored: the next one follows
 * within six hours.
 */
export class CredentialAge extends Construct {
  readonly age: PipelineFunction;

  constructor(scope: Construct, id: string, { codeBase, secrets }: CredentialAgeProps) {
    super(scope, id);
    this.age = new PipelineFunction(this, 'CredentialAge', { codeBase, inVpc: false });
    secrets.grantListSnowflakeVersions(this.age);
    new Rule(this.age, 'Rule', {
      description: 'Publishes the age of the Snowflake credential',
      schedule: Schedule.rate(INTERVAL),
      targets: [new FunctionTarget(this.age.lambda, { retryAttempts: 2, maxEventAge: Duration.hours(1) })],
    });
  }
}
