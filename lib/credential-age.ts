import { Duration } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { CodeBase } from './function-code.ts';
import { invokeByRules, undeliveredQueue } from './invoked-by-rules.ts';
import { stackOutputs } from './outputs.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { Secrets } from './secrets.ts';

/** Four times in the day that the alarm evaluates. */
const INTERVAL = Duration.hours(6);

/** Publishes the age of the Snowflake credential, without permission to read it. */
export class CredentialAge extends Construct {
  readonly age: PipelineFunction;
  /**
   * For runs that could not start or failed. The alarm on the age ignores missing data, since a secret without a value has no
   * age; so this queue is what reports that publishing stopped.
   */
  readonly undelivered: Queue;

  constructor(
    scope: Construct,
    id: string,
    { codeBase, secrets }: { readonly codeBase: CodeBase; readonly secrets: Secrets },
  ) {
    super(scope, id);
    this.undelivered = undeliveredQueue(this, codeBase.stage);
    this.age = new PipelineFunction(this, 'CredentialAge', { codeBase, inVpc: false });
    secrets.grantListSnowflakeVersions(this.age);
    const interval = {
      description: 'Publishes the age of the Snowflake credential',
      schedule: Schedule.rate(INTERVAL),
    };
    invokeByRules(this.age, { Rule: interval }, this.undelivered);
    stackOutputs(this, {
      CredentialAgeDeadLetterQueueUrl: [
        this.undelivered.queueUrl,
        'Runs that published no age of the Snowflake credential: should stay empty',
      ],
    });
  }
}
