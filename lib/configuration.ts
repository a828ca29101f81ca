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
  type HostedConfigurationProps,
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
import { FEATURE_OVERRIDE } from '../lambdas/shared/environment.ts';
import { FLAG_SEED, INTEGRATIONS_SEED } from './flag-seed.ts';
import type { HarmAlarms } from './harm-alarms.ts';
import { stackOutputs } from './outputs.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import { removalPolicy } from './removal.ts';
import type { Stage } from './stage-schema.ts';
import { wildcardFinding } from './wildcard-finding.ts';

/** A configuration that functions poll: a profile in its own environment. */
interface Polled {
  readonly environment: Environment;
  readonly profile: HostedConfiguration;
}

interface ProfileProps extends Pick<HostedConfigurationProps, 'type' | 'validators'> {
  readonly alarms: readonly Alarm[];
  readonly seed: object;
}

/**
 * The configuration that operators change in AppConfig. An environment runs one deployment at a time, and disabling the flag
 * must not wait for a change of an integration, so flags and integrations have an environment each. During the bake time
 * AppConfig rolls a version back if one of the environment's alarms fires.
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
    // For the first versions, which no function reads yet, and for emergencies: no bake time.
    const allAtOnce = this.atOnce(this, 'AllAtOnce', 'all-at-once', 0);
    const strategies = new Construct(this, 'Strategies');
    // A failing enrichment shows after its retries, 180 s, and the alarms' periods.
    const flagsStrategy = this.atOnce(strategies, 'Flags', 'flags', 10);
    // A wrong endpoint shows with the first events for it, which may come some minutes later.
    const integrationsStrategy = this.atOnce(strategies, 'Integrations', 'integrations', 20);
    this.flags = this.poll('flags', allAtOnce, {
      alarms: [failedAttempts, fallbacks, eventAge],
      type: ConfigurationType.FEATURE_FLAGS,
      seed: FLAG_SEED,
    });
    // Without `fallbacks`: integrations do not affect the warehouse.
    this.integrations = this.poll('integrations', allAtOnce, {
      alarms: [failedAttempts, eventAge, deliveryAge],
      type: ConfigurationType.FREEFORM,
      seed: INTEGRATIONS_SEED,
      validators: [JsonSchemaValidator.fromInline(integrationsValidator())],
    });
    const { application, flags, integrations } = this;
    stackOutputs(this, {
      AppConfigConsoleUrl: [
        `https://${Aws.REGION}.console.aws.amazon.com/systems-manager/appconfig/applications/${application.applicationId}?region=${Aws.REGION}`,
        'Console for integrations and rollout (profiles integrations and flags)',
      ],
      AppConfigApplicationId: [application.applicationId, 'For aws appconfig --application-id'],
      FlagsEnvironmentId: [flags.environment.environmentId, 'Environment to deploy versions of the flag to'],
      FlagsProfileId: [flags.profile.configurationProfileId, 'Holds the flag: off until you deploy another version'],
      FlagsStrategyId: [flagsStrategy.deploymentStrategyId, 'For deployments of the flag'],
      IntegrationsEnvironmentId: [
        integrations.environment.environmentId,
        'Environment to deploy versions of the integrations to',
      ],
      IntegrationsProfileId: [
        integrations.profile.configurationProfileId,
        'Holds the partners’ endpoints: none until you deploy another version',
      ],
      IntegrationsStrategyId: [integrationsStrategy.deploymentStrategyId, 'For deployments of the integrations'],
      EmergencyStrategyId: [allAtOnce.deploymentStrategyId, 'Deploys at once and without bake time: for emergencies'],
    });
  }

  /**
   * Deploys the first versions after a resource that takes minutes to create. A new alarm is INSUFFICIENT_DATA until its first
   * evaluation; AppConfig rolls deployments back for that, which may fail the first deploy of the stack.
   */
  seedAfter(slow: IConstruct): void {
    const seeds = this.node.findAll().filter((construct) => construct instanceof CfnDeployment);
    for (const seed of seeds) seed.node.addDependency(slow);
  }

  /** Lets a function poll the flag. */
  grantReadFlags(fn: PipelineFunction): void {
    this.grantPoll(fn, 'FLAGS', this.flags);
    if (this.stage.featureOverride !== undefined) fn.setVariable(FEATURE_OVERRIDE, String(this.stage.featureOverride));
  }

  /** Lets a function poll the integrations. */
  grantReadIntegrations(fn: PipelineFunction): void {
    this.grantPoll(fn, 'INTEGRATIONS', this.integrations);
  }

  /**
   * All pollers get a version at once. AppConfig's gradual strategies split by poller, so two environments of one function
   * would disagree about the same learner, or send one partner's webhooks to two addresses. To enable a share of
   * *enterprises*, set the flag's `rollout_percentage`.
   *
   * During the bake time AppConfig monitors the environment's alarms, and the environment accepts no other deployment.
   * `StopDeployment` with `AllowRevert` rolls it back by hand.
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
    { alarms, seed, ...props }: ProfileProps,
  ): Polled {
    const id = name === 'flags' ? 'Flags' : 'Integrations';
    // AppConfig refuses to delete what was polled within the last hour: right for stages that retain their data only.
    const deletionProtectionCheck = this.stage.retain ? DeletionProtectionCheck.APPLY : DeletionProtectionCheck.BYPASS;
    const environment = new Environment(this, `${id}Environment`, {
      application: this.application,
      environmentName: name,
      deletionProtectionCheck,
      monitors: alarms.map((alarm) => Monitor.fromCloudWatchAlarm(alarm, this.alarmReader)),
    });
    // AppConfig reads the alarms with this role as soon as the environment exists.
    environment.node.addDependency(this.alarmReader);
    const profile = new HostedConfiguration(this, `${id}Profile`, {
      application: this.application,
      name,
      deploymentStrategy,
      deployTo: [environment],
      deletionProtectionCheck,
      content: ConfigurationContent.fromInlineJson(JSON.stringify(seed)),
      ...props,
    });
    // CDK retains the first version, and AppConfig refuses to delete a profile that has versions, so the stack could never
    // be deleted. Versions that operators made have to be deleted by hand first.
    const version = profile.node.defaultChild as CfnHostedConfigurationVersion;
    version.applyRemovalPolicy(removalPolicy(this.stage));
    return { environment, profile };
  }

  /** @param variables prefix of the variables with the ids */
  private grantPoll(fn: PipelineFunction, variables: 'FLAGS' | 'INTEGRATIONS', { environment, profile }: Polled): void {
    fn.setVariable('APPCONFIG_APPLICATION_ID', this.application.applicationId);
    fn.setVariable(`${variables}_ENVIRONMENT_ID`, environment.environmentId);
    fn.setVariable(`${variables}_PROFILE_ID`, profile.configurationProfileId);
    const configuration = Stack.of(this).formatArn({
      service: 'appconfig',
      resource: 'application',
      resourceName: `${this.application.applicationId}/environment/${environment.environmentId}/configuration/${profile.configurationProfileId}`,
    });
    fn.allow(['appconfig:GetLatestConfiguration', 'appconfig:StartConfigurationSession'], [configuration]);
  }
}

/**
 * The role that AppConfig reads alarms with (AppConfig User Guide, "Configure permissions for automatic rollback"):
 * `DescribeAlarms` on all alarms, which only reads. The guide's trust policy has no condition. No other account can use this
 * role, since IAM passes roles within one account only.
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

/** The integrations' schema for AppConfig: JSON Schema draft-04 of the input, in which defaults may be absent. */
function integrationsValidator(): string {
  return JSON.stringify(z.toJSONSchema(integrationsDocumentSchema, { target: 'draft-4', io: 'input' }));
}
