import { Aws, Validations } from 'aws-cdk-lib';
import { CfnSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { PipelineFunction } from './pipeline-function.ts';
import { removalPolicy } from './removal.ts';
import type { Stage } from './stage-schema.ts';
import { wildcardFinding } from './wildcard-finding.ts';

/**
 * The secrets that the pipeline reads. An operator puts their values in, and no deploy ever resets one.
 *
 * Snowflake's is made here, without a value: CDK's own `Secret` would generate one, which a handler could take for real.
 * The integrations' are not: `npm run integration -- add` makes one for each, so that the stack neither knows them nor
 * deletes them. They are encrypted under the account's key for Secrets Manager, of which a reader needs no grant.
 */
export class Secrets extends Construct {
  readonly snowflakeSecretName: string;
  /** An integration's id after it makes the name of its secret. */
  readonly integrationSecretsPrefix: string;
  private readonly snowflake: CfnSecret;

  constructor(scope: Construct, id: string, stage: Stage) {
    super(scope, id);
    this.snowflakeSecretName = `/${stage.name}/snowflake`;
    this.integrationSecretsPrefix = `/${stage.name}/integrations/`;
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

  /** Lets a function see when the Snowflake secret was changed, and nothing of what is in it. */
  grantListSnowflakeVersions(fn: PipelineFunction): void {
    fn.setVariable('SNOWFLAKE_SECRET_ID', this.snowflakeSecretName);
    fn.allow(['secretsmanager:ListSecretVersionIds'], [this.snowflake.ref]);
  }

  /** Lets a function read the integrations' secrets, and no other. */
  grantReadIntegrations(fn: PipelineFunction): void {
    fn.setVariable('INTEGRATION_SECRETS_PREFIX', this.integrationSecretsPrefix);
    const secrets = (partition: string, region: string, account: string) =>
      `arn:${partition}:secretsmanager:${region}:${account}:secret:${this.integrationSecretsPrefix}*`;
    fn.allow(['secretsmanager:GetSecretValue'], [secrets(Aws.PARTITION, Aws.REGION, Aws.ACCOUNT_ID)]);
    Validations.of(fn).acknowledge({
      id: wildcardFinding(secrets('<AWS::Partition>', '<AWS::Region>', '<AWS::AccountId>')),
      reason:
        'Integrations come and go without a deploy, and so do their secrets: all under this prefix, and no other.',
    });
  }
}
