import {
  CreateHostedConfigurationVersionCommand,
  GetHostedConfigurationVersionCommand,
  paginateListHostedConfigurationVersions,
} from '@aws-sdk/client-appconfig';
import { CommandFailed } from '../shared/failures.ts';
import type { OutputName, Stage } from '../shared/stage.ts';

/** An AppConfig profile and its environment, by the outputs that name them. */
export interface Profile {
  /** What it holds, in words. */
  readonly name: string;
  readonly environment: OutputName;
  readonly profile: OutputName;
  /** A command to paste: stops a deployment that is in progress, and undoes it. */
  stopCommand(stage: Stage, deployment: number): string;
}

/** A profile whose document is edited as `D`, and the strategy by which its versions are usually deployed. */
export interface Configuration<D> extends Profile {
  readonly strategy: OutputName;
  /** @throws CommandFailed where the text is not such a document */
  read(text: string): D;
  write(document: D): string;
}

/** A version's text. */
export async function readVersion(stage: Stage, profile: Profile, version: number): Promise<string> {
  return (await readLabelledVersion(stage, profile, version)).text;
}

/** A version's text, and its label if it has one. */
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
  /** AppConfig returns ConflictException where the latest is another by now; undefined where that does not matter. */
  readonly latestVersion?: number;
}

/** @returns the version's number */
export async function createVersion(
  stage: Stage,
  profile: Profile,
  { content, description, latestVersion }: NewVersion,
): Promise<number> {
  const { VersionNumber } = await stage.appConfig.send(
    new CreateHostedConfigurationVersionCommand({
      ...profileOf(stage, profile),
      Content: new TextEncoder().encode(content),
      ContentType: 'application/json',
      Description: description,
      LatestVersionNumber: latestVersion,
    }),
  );
  if (VersionNumber === undefined) throw new CommandFailed('AppConfig created a version without a number');
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
