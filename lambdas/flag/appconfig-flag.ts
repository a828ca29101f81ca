import type { AppConfigDataClient } from '@aws-sdk/client-appconfigdata';
import type * as z from 'zod';
import { type ConfigurationSource, createConfigurationSource } from '../shared/appconfig-source.ts';
import { FEATURE_OVERRIDE, type featureStatusEnvironment } from '../shared/environment.ts';
import { FlagUnusable } from '../shared/errors.ts';
import type { IoDeadlines } from '../shared/io-deadlines.ts';
import type { Log } from '../shared/log.ts';
import { type Counter, FEATURE_NAME, type FeatureFault, METRICS } from '../shared/metric-definitions.ts';
import { configVersion, overridden, parseFlag } from './evaluate-flag.ts';
import { FLAG_OFF, type VersionedFlag } from './flag-document.ts';

type FlagVariable = 'APPCONFIG_APPLICATION_ID' | 'FLAGS_ENVIRONMENT_ID' | 'FLAGS_PROFILE_ID' | typeof FEATURE_OVERRIDE;

export interface FlagSourceOptions extends Partial<IoDeadlines['configuration']> {
  readonly environment: Pick<z.infer<typeof featureStatusEnvironment>, FlagVariable>;
  readonly client: AppConfigDataClient;
  readonly log: Log;
  readonly counter: Counter;
  /** The wall clock, in milliseconds. */
  readonly now?: () => number;
}

/**
 * Creates the source of the flag: the deployed version, or a developer's override. An unusable document does not replace a
 * usable version. If there is none yet, unusable attributes get their safe defaults. Faults are counted by type
 * (requirement S3).
 */
export function createFlagSource({
  environment,
  client,
  log,
  counter,
  now,
  ...deadlines
}: FlagSourceOptions): ConfigurationSource<VersionedFlag> {
  const countFault = (error: FeatureFault) => counter.count(METRICS.featureError, 1, { feature: FEATURE_NAME, error });
  const deployed = createConfigurationSource<VersionedFlag>({
    client,
    applicationId: environment.APPCONFIG_APPLICATION_ID,
    environmentId: environment.FLAGS_ENVIRONMENT_ID,
    profileId: environment.FLAGS_PROFILE_ID,
    parse: (text, lastGood, label) => {
      const { flag, faults, isUnusable } = parseFlag(text);
      if (faults.length > 0) countFault('faulty');
      // The source keeps the last good version, and logs the error.
      if (isUnusable && lastGood !== undefined) throw new FlagUnusable(faults.join('; '));
      if (faults.length > 0) log.warn('flag.faulty', { faults });
      return { ...flag, config_version: configVersion(flag, label) };
    },
    log,
    ...deadlines,
    ...(now !== undefined && { now }),
    onUnavailable: () => countFault('unavailable'),
  });
  const override = environment[FEATURE_OVERRIDE];
  return {
    async read() {
      const current = await deployed.read();
      if (current === undefined) countFault('never_read');
      return override === undefined ? current : overridden(current ?? FLAG_OFF, override);
    },
  };
}
