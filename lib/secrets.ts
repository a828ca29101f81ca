import { Aws, Validations } from 'aws-cdk-lib';
import { CfnSecret, Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { MetricsToken } from '../lambdas/status/health-document.ts';
import { stackOutputs } from './outputs.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import { removalPolicy } from './removal.ts';
import type { Stage } from './stage-schema.ts';
import { wildcardFinding } from './wildcard-finding.ts';

const METRICS_TOKEN_FIELD: keyof MetricsToken = 'token';

/** Letters and digits: 285 bits. Secrets Manager makes a new token where one of these settings is ever changed. */
const METRICS_TOKEN = {
  secretStringTemplate: '{}',
  generateStringKey: METRICS_TOKEN_FIELD,
  passwordLength: 48,
  excludePunctuation: true,
};

/**
 * The secrets that the pipeline reads. An operator puts their values in, and no deploy ever resets one.
 *
 * Snowflake's is made here, without a value: CDK's own `Secret` would generate one, which a handler could take for real.
 * The integrations' are not: `./ltw integration add` makes one for each, so that the stack neither knows them nor
 * deletes them. The token of the metrics is nobody's but ours, and generated. All are encrypted under the account's key for Secrets Manager, of which a reader needs no grant.
 */
export class Secrets extends Construct {
  private readonly snowflakeSecretName: string;
  /** An integration's id after it makes the name of its secret. */
  private readonly integrationSecretsPrefix: string;
  private readonly metricsTokenName: string;
  private readonly snowflake: CfnSecret;
  private readonly metricsToken: Secret;

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
    this.metricsTokenName = `/${stage.name}/metrics-token`;
    this.metricsToken = new Secret(this, 'MetricsToken', {
      secretName: this.metricsTokenName,
      description: 'What Prometheus shows to GET /metrics, as JSON: token',
      generateSecretString: METRICS_TOKEN,
      removalPolicy: removalPolicy(stage),
    });
    Validations.of(this.metricsToken).acknowledge({
      id: 'AwsSolutions::AwsSolutions-SMG4',
      reason: 'Prometheus has to be told a new token at the same time: an operator puts it into both.',
    });
    stackOutputs(this, {
      SnowflakeSecretName: [
        this.snowflakeSecretName,
        'Empty until you fill it: aws secretsmanager put-secret-value, JSON of account, user and private_key',
      ],
      IntegrationSecretsPrefix: [
        this.integrationSecretsPrefix,
        'With an integration’s id after it, the name of its secret: ./ltw integration add makes it',
      ],
      MetricsTokenSecretName: [
        this.metricsTokenName,
        'Holds the token that Prometheus shows to GET /metrics of the status API: generated, put another one in to replace it',
      ],
    });
  }

  /** Lets a function read the token that Prometheus shows, and no other secret. */
  grantReadMetricsToken(fn: PipelineFunction): void {
    fn.setVariable('METRICS_TOKEN_SECRET_ID', this.metricsTokenName);
    fn.allow(['secretsmanager:GetSecretValue'], [this.metricsToken.secretArn]);
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
