import {
  CreateHostedConfigurationVersionCommand,
  GetHostedConfigurationVersionCommand,
  paginateListHostedConfigurationVersions,
} from '@aws-sdk/client-appconfig';
import type { Stage } from '../shared/stage.ts';
import type { Profile } from './configuration.ts';

/** A version's text. */
export async function readVersion(stage: Stage, profile: Profile, version: number): Promise<string> {
  return (await readLabelledVersion(stage, profile, version)).text;
}

/** A version's text, and how whoever made it named it. */
export async function readLabelledVersion(
  stage: Stage,
  profile: Profile,
  version: number,
): Promise<{ readonly text: string; readonly label: string | undefined }> {
  const { Content, VersionLabel } = await stage.appConfig.send(
    new GetHostedConfigurationVersionCommand({ ...profileOf(stage, profile), VersionNumber: version }),
  );
  return { text: new TextDecoder().decode(Content), label: VersionLabel };
}

export interface NewVersion {
  readonly content: string;
  readonly description: string;
  /** AppConfig answers ConflictException where it is another by now; undefined where that does not matter. */
  readonly latestVersion?: number;
}

/** @returns the version's number; undefined where AppConfig does not say it */
export async function createVersion(
  stage: Stage,
  profile: Profile,
  { content, description, latestVersion }: NewVersion,
): Promise<number | undefined> {
  const { VersionNumber } = await stage.appConfig.send(
    new CreateHostedConfigurationVersionCommand({
      ...profileOf(stage, profile),
      Content: new TextEncoder().encode(content),
      ContentType: 'application/json',
      Description: description,
      LatestVersionNumber: latestVersion,
    }),
  );
  return VersionNumber;
}

/** Deployed or not; 0 where there is none. */
export async function latestVersionOf(stage: Stage, profile: Profile): Promise<number> {
  let latest = 0;
  for await (const { Items = [] } of paginateListHostedConfigurationVersions(
    { client: stage.appConfig },
    profileOf(stage, profile),
  )) {
    latest = Math.max(latest, ...Items.map(({ VersionNumber = 0 }) => VersionNumber));
  }
  return latest;
}

export function profileOf(stage: Stage, { profile }: Profile) {
  return { ApplicationId: stage.output('AppConfigApplicationId'), ConfigurationProfileId: stage.output(profile) };
}
