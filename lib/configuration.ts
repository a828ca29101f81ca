import { Aws, Duration, Stack, Validations } from 'aws-cdk-lib';
import {
  Application,
  CfnDeployment,
  type CfnHostedConfigurationVersion,
  ConfigurationContent,
  ConfigurationType,
  DeletionProtectionCheck,
  DeploymentStrategy,
  Environment,
  HostedConfiguration,
  type IDeploymentStrategy,
  JsonSchemaValidator,
  Monitor,
  RolloutStrategy,
} from 'aws-cdk-lib/aws-appconfig';
import type { Alarm } from 'aws-cdk-lib/aws-cloudwatch';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Construct, type IConstruct } from 'constructs';
import * as z from 'zod';
import { integrationsDocumentSchema } from '../lambdas/partners/integration.ts';
import { type EnvironmentName, FEATURE_OVERRIDE } from '../lambdas/shared/environment.ts';
import { FLAG_SEED, INTEGRATIONS_SEED } from './flag-seed.ts';
import type { HarmAlarms } from './harm-alarms.ts';
import { stackOutputs } from './outputs.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import { removalPolicy } from './removal.ts';
import type { Stage } from './stage-schema.ts';
import { wildcardFinding } from './wildcard-finding.ts';

/** One configuration that functions poll: a profile in an environment of its own. */
interface Polled {
  readonly environment: Environment;
  readonly profile: HostedConfiguration;
}

interface ProfileSeed {
  readonly type: ConfigurationType;
  readonly content: ConfigurationContent;
  readonly validators?: JsonSchemaValidator[];
}

/**
 * What operators steer the pipeline with, in the AppConfig console. One environment runs one deployment at a time, and
 * switching a flag off must not wait for a partner's new address: so flags and integrations have one each. While a version
 * bakes, AppConfig takes it back where one of its environment's alarms goes off.
 */
export class Configuration extends Construct {
  private readonly application: Application;
  private readonly flags: Polled;
  private readonly integrations: Polled;
  private readonly stage: Stage;
  private readonly alarmReader: Role;

  constructor(scope: Construct, id: string, { stage, alarms }: { readonly stage: Stage; readonly alarms: HarmAlarms }) {
    super(scope, id);
    this.stage = stage;
    const { failedAttempts, fallbacks, eventAge, deliveryAge } = alarms;
    this.alarmReader = alarmReaderRole(this);
    this.application = new Application(this, 'Application', {
      applicationName: `learning-time-webhooks-${stage.name}`,
    });
    // For the seeds, which nothing reads yet, and for emergencies: nothing to watch, nothing to wait for.
    const allAtOnce = this.atOnce(this, 'AllAtOnce', 'all-at-once', 0);
    const strategies = new Construct(this, 'Strategies');
    // An enrichment that fails shows within its retries: 180 s, and the alarms' periods.
    const flagsStrategy = this.atOnce(strategies, 'Flags', 'flags', 10);
    // A wrong endpoint shows with the first events for it, which may be some minutes away.
    const integrationsStrategy = this.atOnce(strategies, 'Integrations', 'integrations', 20);
    this.flags = this.poll('flags', allAtOnce, {
      alarms: [failedAttempts, fallbacks, eventAge],
      type: ConfigurationType.FEATURE_FLAGS,
      content: ConfigurationContent.fromInlineJson(JSON.stringify(FLAG_SEED)),
    });
    // Nothing that an integration says has to do with the warehouse.
    this.integrations = this.poll('integrations', allAtOnce, {
      alarms: [failedAttempts, eventAge, deliveryAge],
      type: ConfigurationType.FREEFORM,
      content: ConfigurationContent.fromInlineJson(JSON.stringify(INTEGRATIONS_SEED)),
      validators: [JsonSchemaValidator.fromInline(integrationsValidator())],
    });
    const { application, flags, integrations } = this;
    stackOutputs(this, {
      AppConfigConsoleUrl: [
        `https://${Aws.REGION}.console.aws.amazon.com/systems-manager/appconfig/applications/${application.applicationId}?region=${Aws.REGION}`,
        'Here integrations are added, and the rollout is set (profiles integrations and flags)',
      ],
      AppConfigApplicationId: [application.applicationId, 'For aws appconfig --application-id'],
      FlagsEnvironmentId: [flags.environment.environmentId, 'Where versions of the flag are deployed to'],
      FlagsProfileId: [flags.profile.configurationProfileId, 'Holds the flag: off until you deploy another version'],
      FlagsStrategyId: [flagsStrategy.deploymentStrategyId, 'For deployments of the flag'],
      IntegrationsEnvironmentId: [
        integrations.environment.environmentId,
        'Where versions of the integrations are deployed to',
      ],
      IntegrationsProfileId: [
        integrations.profile.configurationProfileId,
        'Holds the partners’ endpoints: none until you deploy another version',
      ],
      IntegrationsStrategyId: [integrationsStrategy.deploymentStrategyId, 'For deployments of the integrations'],
      EmergencyStrategyId: [allAtOnce.deploymentStrategyId, 'At once, without a bake time: to switch something off'],
    });
  }

  /**
   * Lets the seeds wait for something that takes minutes to create. A new alarm has INSUFFICIENT_DATA until it is first
   * evaluated, for which AppConfig rolls back what is deployed, and the first deploy of the stack may fail for it.
   */
  seedAfter(slow: IConstruct): void {
    const seeds = this.node.findAll().filter((construct) => construct instanceof CfnDeployment);
    for (const seed of seeds) seed.node.addDependency(slow);
  }

  /** Lets a function poll the flag. */
  grantReadFlags(fn: PipelineFunction): void {
    this.grantPoll(fn, this.flags, { environment: 'FLAGS_ENVIRONMENT_ID', profile: 'FLAGS_PROFILE_ID' });
    if (this.stage.featureOverride !== undefined) fn.setVariable(FEATURE_OVERRIDE, String(this.stage.featureOverride));
  }

  /** Lets a function poll the integrations. */
  grantReadIntegrations(fn: PipelineFunction): void {
    this.grantPoll(fn, this.integrations, {
      environment: 'INTEGRATIONS_ENVIRONMENT_ID',
      profile: 'INTEGRATIONS_PROFILE_ID',
    });
  }

  /**
   * A version goes to all pollers at once: AppConfig's gradual strategies split by poller, so that two sandboxes of one
   * function would disagree about the same learner, or send one partner's webhooks to two addresses. A share of
   * *enterprises* is the flag's `rollout_percentage`.
   *
   * In the bake time AppConfig still watches the environment's alarms and takes the version back. The environment takes no
   * other deployment meanwhile; `StopDeployment` with `AllowRevert` takes one back.
   */
  private atOnce(scope: Construct, id: string, name: string, bakeMinutes: number): DeploymentStrategy {
    return new DeploymentStrategy(scope, id, {
      deploymentStrategyName: `learning-time-webhooks-${this.stage.name}-${name}`,
      ...(bakeMinutes > 0 && { description: `To all functions at once, then watched for ${bakeMinutes} minutes` }),
      rolloutStrategy: RolloutStrategy.linear({
        growthFactor: 100,
        deploymentDuration: Duration.minutes(0),
        finalBakeTime: Duration.minutes(bakeMinutes),
      }),
    });
  }

  private poll(
    name: 'flags' | 'integrations',
    deploymentStrategy: IDeploymentStrategy,
    { alarms, ...seed }: ProfileSeed & { readonly alarms: readonly Alarm[] },
  ): Polled {
    const id = name === 'flags' ? 'Flags' : 'Integrations';
    // Where the stack may go, functions that polled a minute ago must not hold it; where not, they do.
    const deletionProtectionCheck = this.stage.retain ? DeletionProtectionCheck.APPLY : DeletionProtectionCheck.BYPASS;
    const environment = new Environment(this, `${id}Environment`, {
      application: this.application,
      environmentName: name,
      deletionProtectionCheck,
      monitors: alarms.map((alarm) => Monitor.fromCloudWatchAlarm(alarm, this.alarmReader)),
    });
    // AppConfig asks for the alarms' states with it as soon as the environment is there.
    environment.node.addDependency(this.alarmReader);
    const profile = new HostedConfiguration(this, `${id}Profile`, {
      application: this.application,
      name,
      deploymentStrategy,
      deployTo: [environment],
      deletionProtectionCheck,
      ...seed,
    });
    // CDK retains the seed, and AppConfig refuses to delete a profile that has versions: a stack could never be deleted.
    // Versions from the console hold it all the same, and are deleted there first.
    const version = profile.node.defaultChild as CfnHostedConfigurationVersion;
    version.applyRemovalPolicy(removalPolicy(this.stage));
    return { environment, profile };
  }

  private grantPoll(
    fn: PipelineFunction,
    { environment, profile }: Polled,
    variables: { readonly environment: EnvironmentName; readonly profile: EnvironmentName },
  ): void {
    fn.setVariable('APPCONFIG_APPLICATION_ID', this.application.applicationId);
    fn.setVariable(variables.environment, environment.environmentId);
    fn.setVariable(variables.profile, profile.configurationProfileId);
    const configuration = Stack.of(this).formatArn({
      service: 'appconfig',
      resource: 'application',
      resourceName: `${this.application.applicationId}/environment/${environment.environmentId}/configuration/${profile.configurationProfileId}`,
    });
    fn.allow(['appconfig:GetLatestConfiguration', 'appconfig:StartConfigurationSession'], [configuration]);
  }
}

/**
 * The role in whose name AppConfig reads its alarms, as the AppConfig User Guide has it ("Configure permissions for
 * automatic rollback"): `DescribeAlarms` of all alarms, which reads states and changes nothing. The guide's trust policy has
 * no condition. No other account can name this role, since IAM passes roles within one account only.
 */
function alarmReaderRole(scope: Construct): Role {
  const role = new Role(scope, 'AlarmReader', { assumedBy: new ServicePrincipal('appconfig.amazonaws.com') });
  role.addToPolicy(new PolicyStatement({ actions: ['cloudwatch:DescribeAlarms'], resources: ['*'] }));
  Validations.of(role).acknowledge({
    id: wildcardFinding('*'),
    reason: 'AppConfig documents DescribeAlarms without a narrower resource; it only reads.',
  });
  return role;
}

/** The integrations' schema as AppConfig takes it: JSON Schema draft-04, of what an operator writes (defaults left out). */
export function integrationsValidator(): string {
  return JSON.stringify(z.toJSONSchema(integrationsDocumentSchema, { target: 'draft-4', io: 'input' }));
}
