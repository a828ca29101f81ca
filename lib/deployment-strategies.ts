import { Duration } from 'aws-cdk-lib';
import { DeploymentStrategy, RolloutStrategy } from 'aws-cdk-lib/aws-appconfig';
import { Construct } from 'constructs';

/** Ids of the strategies that operators choose from in the console. */
export interface StrategyIds {
  readonly flags: string;
  readonly integrations: string;
  readonly emergency: string;
}

/**
 * How operators' versions are rolled out. To all pollers at once, each of them: AppConfig's gradual strategies split by
 * poller, so that two sandboxes of one function would disagree about the same learner, or send one partner's webhooks to
 * two addresses. A share of *enterprises* is the flag's `rollout_percentage`.
 *
 * What differs is the bake time, for which AppConfig still watches the environment's alarms and takes the version back.
 * The environment takes no other deployment meanwhile; `StopDeployment` with `AllowRevert` takes one back.
 */
export class DeploymentStrategies extends Construct {
  readonly flagsId: string;
  readonly integrationsId: string;

  constructor(scope: Construct, id: string, { stageName }: { readonly stageName: string }) {
    super(scope, id);
    // An enrichment that fails shows within its retries: 180 s, and the alarms' periods.
    this.flagsId = this.atOnce('Flags', `learning-time-webhooks-${stageName}-flags`, 10);
    // A wrong endpoint shows with the first events for it, which may be some minutes away.
    this.integrationsId = this.atOnce('Integrations', `learning-time-webhooks-${stageName}-integrations`, 20);
  }

  private atOnce(id: string, deploymentStrategyName: string, bakeMinutes: number): string {
    return new DeploymentStrategy(this, id, {
      deploymentStrategyName,
      description: `To all functions at once, then watched for ${bakeMinutes} minutes`,
      rolloutStrategy: RolloutStrategy.linear({
        growthFactor: 100,
        deploymentDuration: Duration.minutes(0),
        finalBakeTime: Duration.minutes(bakeMinutes),
      }),
    }).deploymentStrategyId;
  }
}
