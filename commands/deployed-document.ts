import {
  type BadRequestException,
  CreateHostedConfigurationVersionCommand,
  type DeploymentState,
  GetHostedConfigurationVersionCommand,
  paginateListHostedConfigurationVersions,
  StartDeploymentCommand,
} from '@aws-sdk/client-appconfig';
import { CommandFailed } from './command-failed.ts';
import type { Context } from './context.ts';
import { occupant, requireFree, servedDeployment } from './deployments.ts';
import { type IntegrationsDocument, readDocument, writeDocument } from './integrations-document.ts';
import type { Stage } from './stage.ts';

/** Functions ask for a new configuration once theirs is so old (AppConfig's shortest interval), in milliseconds. */
export const POLL_INTERVAL_MS = 15_000;

/** The document that functions have, or get within seconds. */
export interface DeployedDocument {
  readonly document: IntegrationsDocument;
  readonly version: number;
  /** Of all versions, the deployed one or a draft that somebody made since. */
  readonly latestVersion: number;
  readonly deployment: number;
  readonly state: DeploymentState | undefined;
}

/** @throws CommandFailed where nothing is deployed, or what is cannot be read */
export async function readDeployed(stage: Stage): Promise<DeployedDocument> {
  const { number: deployment, version, state } = await servedDeployment(stage);
  const { Content } = await stage.appConfig.send(
    new GetHostedConfigurationVersionCommand({ ...profileOf(stage), VersionNumber: version }),
  );
  const document = readDocument(new TextDecoder().decode(Content));
  const latestVersion = Math.max(version, await latestVersionOf(stage));
  return { document, version, latestVersion, deployment, state };
}

export interface Change {
  /** @returns undefined where nothing is to be done. @throws CommandFailed */
  readonly edit: (document: IntegrationsDocument) => IntegrationsDocument | undefined;
  /** For whoever looks at the deployment in the console. */
  readonly description: string;
}

/**
 * Makes a new version of the deployed document and starts its deployment. Somebody who makes a version at the same
 * moment is not overwritten: the change is made once more, on top of theirs.
 *
 * @returns the deployment's number; undefined where there was nothing to change
 * @throws CommandFailed where another deployment has to end first, or AppConfig does not take the document
 */
export async function deployChange(stage: Stage, change: Change, { terminal }: Context): Promise<number | undefined> {
  const version = await makeVersion(stage, change, terminal.print, 2);
  if (version === undefined) return undefined;
  terminal.print(`version ${version} of the integrations is made`);
  const deploying = stage.appConfig.send(
    new StartDeploymentCommand({
      ...profileOf(stage),
      EnvironmentId: stage.output('IntegrationsEnvironmentId'),
      ConfigurationVersion: String(version),
      // Without a bake time: while one deployment bakes, AppConfig takes no other, and a pause must not wait for an `add`.
      DeploymentStrategyId: stage.output('EmergencyStrategyId'),
      Description: change.description,
    }),
  );
  const { DeploymentNumber } = await deploying.catch(async (thrown: Error) => {
    if (thrown.name === 'BadRequestException') {
      throw new CommandFailed(
        `version ${version} is made and not deployed, AppConfig’s validator refuses it: ${faultsOf(thrown)}`,
      );
    }
    if (thrown.name !== 'ConflictException') throw thrown;
    const busy = await occupant(stage);
    throw new CommandFailed(
      `version ${version} is made and not deployed: ${busy ?? `AppConfig refuses (${thrown.message})`}`,
    );
  });
  if (DeploymentNumber === undefined) throw new CommandFailed('AppConfig started a deployment without a number');
  terminal.print(`deployment ${DeploymentNumber} of it is started`);
  return DeploymentNumber;
}

async function makeVersion(
  stage: Stage,
  change: Change,
  print: (line: string) => void,
  tries: number,
): Promise<number | undefined> {
  await requireFree(stage);
  const { document, version, latestVersion } = await readDeployed(stage);
  const edited = change.edit(document);
  if (edited === undefined) return undefined;
  if (latestVersion > version) {
    print(`version ${version} is deployed and changed; version ${latestVersion}, which nobody deployed, is left out`);
  }
  try {
    const made = await stage.appConfig.send(
      new CreateHostedConfigurationVersionCommand({
        ...profileOf(stage),
        Content: new TextEncoder().encode(writeDocument(edited)),
        ContentType: 'application/json',
        Description: change.description,
        LatestVersionNumber: latestVersion,
      }),
    );
    return made.VersionNumber;
  } catch (thrown) {
    const { name } = thrown as Error;
    if (name === 'BadRequestException')
      throw new CommandFailed(`AppConfig does not take the document: ${faultsOf(thrown)}`);
    if (name !== 'ConflictException') throw thrown;
    if (tries > 1) return makeVersion(stage, change, print, tries - 1);
    throw new CommandFailed('somebody else keeps making versions of the integrations: try again in a minute');
  }
}

async function latestVersionOf(stage: Stage): Promise<number> {
  let latest = 0;
  for await (const { Items = [] } of paginateListHostedConfigurationVersions(
    { client: stage.appConfig },
    profileOf(stage),
  )) {
    latest = Math.max(latest, ...Items.map(({ VersionNumber = 0 }) => VersionNumber));
  }
  return latest;
}

function profileOf(stage: Stage) {
  return {
    ApplicationId: stage.output('AppConfigApplicationId'),
    ConfigurationProfileId: stage.output('IntegrationsProfileId'),
  };
}

/** What AppConfig's validator says, by place in the document; values are not repeated. */
function faultsOf(thrown: unknown): string {
  const { message, Details } = thrown as BadRequestException;
  const faults = Details?.InvalidConfiguration ?? [];
  if (faults.length === 0) return message;
  return faults.map(({ Location = '', Reason = '' }) => `${Location} ${Reason}`.trim()).join('; ');
}
