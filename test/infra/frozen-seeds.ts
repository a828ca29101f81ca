/** The AppConfig resources of the first deploy of `dev`. Never change them: see `lib/flag-seed.ts`. */
const application = { Ref: 'ConfigurationApplication3C51ABCD' };
const strategy = { Ref: 'ConfigurationAllAtOnce41F1F6BC' };
const flagsProfile = { Ref: 'ConfigurationFlagsProfileConfigurationProfile97649567' };
const integrationsProfile = { Ref: 'ConfigurationIntegrationsProfileConfigurationProfile089D3F22' };

export const FROZEN_SEEDS = {
  ConfigurationAllAtOnce41F1F6BC: {
    DeploymentDurationInMinutes: 0,
    FinalBakeTimeInMinutes: 0,
    GrowthFactor: 100,
    GrowthType: 'LINEAR',
    Name: 'learning-time-webhooks-dev-all-at-once',
    ReplicateTo: 'NONE',
  },
  ConfigurationFlagsProfile809A821A: {
    ApplicationId: application,
    ConfigurationProfileId: flagsProfile,
    Content:
      '{"version":"1","flags":{"enable_webhook_learning_time_enrichment":{"name":"Learning time in webhooks",' +
      '"description":"Adds learning time from the warehouse to completion webhooks. Off: they are sent without it.",' +
      '"attributes":{"rollout_percentage":{"description":"Share of enterprises with enrichment on, in whole percent. ' +
      'Raising it keeps every enterprise that is on.","constraints":{"type":"number","required":true,"minimum":0,"maximum":100}},' +
      '"pilot_enterprises":{"description":"UUIDs of enterprises with enrichment on whatever the percentage.",' +
      '"constraints":{"type":"array","elements":{"type":"string","pattern":"^[A-Za-z0-9_-]{1,64}$"}}},' +
      '"cache_ttl_seconds":{"description":"How long a result of the warehouse is cached, in seconds.",' +
      '"constraints":{"type":"number","required":true,"minimum":60,"maximum":86400}}}}},' +
      '"values":{"enable_webhook_learning_time_enrichment":{"enabled":false,"rollout_percentage":0,' +
      '"cache_ttl_seconds":3600}}}',
    ContentType: 'application/json',
  },
  ConfigurationFlagsProfileDeployment2934F96D74C52: {
    ApplicationId: application,
    ConfigurationProfileId: flagsProfile,
    ConfigurationVersion: { Ref: 'ConfigurationFlagsProfile809A821A' },
    DeploymentStrategyId: strategy,
    EnvironmentId: { Ref: 'ConfigurationFlagsEnvironmentB3394E00' },
  },
  ConfigurationIntegrationsProfileC1EB4A53: {
    ApplicationId: application,
    ConfigurationProfileId: integrationsProfile,
    Content: '{"integrations":[]}',
    ContentType: 'application/json',
  },
  ConfigurationIntegrationsProfileDeployment7955C59F86A4C: {
    ApplicationId: application,
    ConfigurationProfileId: integrationsProfile,
    ConfigurationVersion: { Ref: 'ConfigurationIntegrationsProfileC1EB4A53' },
    DeploymentStrategyId: strategy,
    EnvironmentId: { Ref: 'ConfigurationIntegrationsEnvironment05551472' },
  },
};
