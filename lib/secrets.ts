import { Validations } from 'aws-cdk-lib';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { PipelineFunction } from './pipeline-function.ts';
import { removalPolicy } from './removal.ts';
import type { Stage } from './stage-schema.ts';

/**
 * The secrets that the pipeline reads, without a value: an operator puts it in, and no deploy ever resets it. CDK's own
 * `Secret` would generate a value where none is given, which a handler could take for a real one.
 */
export class Secrets extends Construct {
  readonly snowflakeSecretName: string;
  private readonly snowflake: CfnSecret;

  constructor(scope: Construct, id: string, stage: Stage) {
    super(scope, id);
    this.snowflakeSecretName = `/${stage.name}/snowflake`;
    this.snowflake = new CfnSecret(this, 'Snowflake', {
      name: this.snowflakeSecretName,
      description: 'Snowflake service user, as JSON: account, user, private_key',
    });
    this.snowflake.applyRemovalPolicy(removalPolicy(stage));
    Validations.of(this.snowflake).acknowledge({
      id: 'AwsSolutions::AwsSolutions-SMG4',
      reason: 'A Snowflake key pair is rotated with Snowflake: by hand, or by a rotation that an operator attaches.',
    });
  }

  /** Lets a function read the Snowflake secret, and no other. */
  grantReadSnowflake(fn: PipelineFunction): void {
    fn.setVariable('SNOWFLAKE_SECRET_ID', this.snowflakeSecretName);
    fn.allow(['secretsmanager:GetSecretValue'], [this.snowflake.ref]);
  }
}
