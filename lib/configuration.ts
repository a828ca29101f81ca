import { Duration, Stack } from 'aws-cdk-lib';
import {
  Application,
  ConfigurationContent,
  ConfigurationType,
  DeploymentStrategy,
  Environment,
  HostedConfiguration,
  type IDeploymentStrategy,
  JsonSchemaValidator,
  RolloutStrategy,
} from 'aws-cdk-lib/aws-appconfig';
import { Construct } from 'constructs';
import * as z from 'zod';
import type { EnvironmentName } from '../lambdas/contract/environment.ts';
import { integrationsDocumentSchema } from '../lambdas/contract/integration.ts';
import { FLAG_SEED, INTEGRATIONS_SEED } from './flag-seed.ts';
import type { PipelineFunction } from './pipeline-function.ts';

/** One configuration that functions poll: a profile in an environment of its own. */
interface Polled {
  readonly environment: Environment;
  readonly profile: HostedConfiguration;
}

/**
 * What operators steer the pipeline with, in the AppConfig console. One environment runs one deployment at a time, and
 * switching a flag off must not wait for a partner's new address: so flags and integrations have one each.
 */
export class Configuration extends Construct {
  readonly application: Application;
  readonly flags: Polled;
  readonly integrations: Polled;

  constructor(scope: Construct, id: string, { stageName }: { readonly stageName: string }) {
    super(scope, id);
    this.application = new Application(this, 'Application', { applicationName: `learning-time-webhooks-${stageName}` });
    // Only for the seeds, which nobody reads yet: nothing to watch, nothing to wait for.
    const strategy = new DeploymentStrategy(this, 'AllAtOnce', {
      deploymentStrategyName: `learning-time-webhooks-${stageName}-all-at-once`,
      rolloutStrategy: RolloutStrategy.linear({
        growthFactor: 100,
        deploymentDuration: Duration.minutes(0),
        finalBakeTime: Duration.minutes(0),
      }),
    });
    this.flags = this.poll('flags', strategy, {
      type: ConfigurationType.FEATURE_FLAGS,
      content: ConfigurationContent.fromInlineJson(JSON.stringify(FLAG_SEED)),
    });
    this.integrations = this.poll('integrations', strategy, {
      type: ConfigurationType.FREEFORM,
      content: ConfigurationContent.fromInlineJson(JSON.stringify(INTEGRATIONS_SEED)),
      validators: [JsonSchemaValidator.fromInline(integrationsValidator())],
    });
  }

  /** Lets a function poll the flag. */
  grantReadFlags(fn: PipelineFunction): void {
    this.grantPoll(fn, this.flags, { environment: 'FLAGS_ENVIRONMENT_ID', profile: 'FLAGS_PROFILE_ID' });
  }

  /** Lets a function poll the integrations. */
  grantReadIntegrations(fn: PipelineFunction): void {
    this.grantPoll(fn, this.integrations, {
      environment: 'INTEGRATIONS_ENVIRONMENT_ID',
      profile: 'INTEGRATIONS_PROFILE_ID',
    });
  }

  private poll(
    name: 'flags' | 'integrations',
    deploymentStrategy: IDeploymentStrategy,
    seed: { type: ConfigurationType; content: ConfigurationContent; validators?: JsonSchemaValidator[] },
  ): Polled {
    const id = name === 'flags' ? 'Flags' : 'Integrations';
    const environment = new Environment(this, `${id}Environment`, {
      application: this.application,
      environmentName: name,
    });
    const profile = new HostedConfiguration(this, `${id}Profile`, {
      application: this.application,
      name,
      deploymentStrategy,
      deployTo: [environment],
      ...seed,
    });
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

/** The integrations' schema as AppConfig takes it: JSON Schema draft-04, of what an operator writes (defaults left out). */
export function integrationsValidator(): string {
  return JSON.stringify(z.toJSONSchema(integrationsDocumentSchema, { target: 'draft-4', io: 'input' }));
}
