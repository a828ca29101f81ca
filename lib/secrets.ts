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

/** Alphanumeric: 285 bits. Secrets Manager generates a new token if one of these settings changes. */
const METRICS_TOKEN = {
  secretStringTemplate: '{}',
  generateStringKey: METRICS_TOKEN_FIELD,
  passwordLength: 48,
  excludePunctuation: true,
};

/**
 * The secrets that the pipeline reads. A deploy never resets a value.
 *
 * Snowflake's secret is created without a value, which an operator adds: CDK's `Secret` would generate one, which a handler
 * could not tell from a real one. Each integration's secret is created by `./ltw integration add`, so that the stack neither
 * knows nor deletes it. The metrics token is generated. All are encrypted with the AWS managed key for Secrets Manager, so
 * readers need no grant on a key.
 */
export class Secrets extends Construct {
  private readonly snowflakeSecretName: string;
  /** The name of an integration's secret is this prefix and the integration's id. */
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
      reason:
        'Rotation of a Snowflake key pair includes Snowflake: by hand, or by a rotation that an operator attaches.',
    });
    this.metricsTokenName = `/${stage.name}/metrics-token`;
    this.metricsToken = new Secret(this, 'MetricsToken', {
      secretName: this.metricsTokenName,
      description: 'Bearer token of Prometheus for GET /metrics, as JSON: token',
      generateSecretString: METRICS_TOKEN,
      removalPolicy: removalPolicy(stage),
    });
    Validations.of(this.metricsToken).acknowledge({
      id: 'AwsSolutions::AwsSolutions-SMG4',
      reason: 'Prometheus needs a new token at the same time: an operator sets both.',
    });
    stackOutputs(this, {
      SnowflakeSecretName: [
        this.snowflakeSecretName,
        'Empty until you fill it: aws secretsmanager put-secret-value, JSON of account, user and private_key',
      ],
      IntegrationSecretsPrefix: [
        this.integrationSecretsPrefix,
        'Prefix of an integration’s secret, before its id: ./ltw integration add creates it',
      ],
      MetricsTokenSecretName: [
        this.metricsTokenName,
        'Token of Prometheus for GET /metrics of the status API: generated; put another value to replace it',
      ],
    });
  }

  /** Lets a function read the metrics token, and no other secret. */
  grantReadMetricsToken(fn: PipelineFunction): void {
    fn.setVariable('METRICS_TOKEN_SECRET_ID', this.metricsTokenName);
    fn.allow(['secretsmanager:GetSecretValue'], [this.metricsToken.secretArn]);
  }

  /** Lets a function read the Snowflake secret, and no other. */
  grantReadSnowflake(fn: PipelineFunction): void {
    fn.setVariable('SNOWFLAKE_SECRET_ID', this.snowflakeSecretName);
    fn.allow(['secretsmanager:GetSecretValue'], [this.snowflake.ref]);
  }

  /** Lets a function list the versions of the Snowflake secret, without their values. */
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
      reason: 'Integrations and their secrets are added without a deploy; this allows all under one prefix.',
    });
  }
}
