import type { BadRequestException, DeploymentState } from '@aws-sdk/client-appconfig';
import { CommandFailed } from './command-failed.ts';
import { type Configuration, INTEGRATIONS } from './configuration.ts';
import type { Context } from './context.ts';
import { occupant, requireFree, servedDeployment, startDeployment } from './deployments.ts';
import { createVersion, latestVersionOf, readLabelledVersion } from './hosted-versions.ts';
import type { IntegrationsDocument } from './integrations-document.ts';
import type { Stage } from './stage.ts';

/** Functions ask for a new configuration once theirs is so old (AppConfig's shortest interval), in milliseconds. */
export const POLL_INTERVAL_MS = 15_000;

/** The document that functions have, or get within seconds. */
export interface DeployedDocument<D = IntegrationsDocument> {
  readonly document: D;
  readonly version: number;
  /** The version's own, where whoever made it gave it one. */
  readonly label: string | undefined;
  /** Of all versions, the deployed one or a draft that somebody made since. */
  readonly latestVersion: number;
  readonly deployment: number;
  readonly state: DeploymentState | undefined;
}

/** The integrations. @throws CommandFailed where nothing is deployed, or what is cannot be read */
export function readDeployed(stage: Stage): Promise<DeployedDocument> {
  return readDeployedOf(INTEGRATIONS, stage);
}

/** @throws CommandFailed where nothing is deployed, or what is cannot be read */
export async function readDeployedOf<D>(configuration: Configuration<D>, stage: Stage): Promise<DeployedDocument<D>> {
  const { number: deployment, version, state } = await servedDeployment(stage, configuration);
  const { text, label } = await readLabelledVersion(stage, configuration, version);
  const document = configuration.read(text);
  const latestVersion = Math.max(version, await latestVersionOf(stage, configuration));
  return { document, version, label, latestVersion, deployment, state };
}

export interface Change<D = IntegrationsDocument> {
  /** @returns undefined where nothing is to be done. @throws CommandFailed */
  readonly edit: (document: D) => D | undefined;
  /** For whoever looks at the deployment in the console. */
  readonly description: string;
}

/** Changes the integrations, as `deployChangeOf`. */
export function deployChange(stage: Stage, change: Change, context: Context): Promise<number | undefined> {
  return deployChangeOf(INTEGRATIONS, stage, change, context);
}

/**
 * Makes a new version of the deployed document and starts its deployment. Somebody who makes a version at the same
 * moment is not overwritten: the change is made once more, on top of theirs.
 *
 * @returns the deployment's number; undefined where there was nothing to change
 * @throws CommandFailed where another deployment has to end first, or AppConfig does not take the document
 */
export async function deployChangeOf<D>(
  configuration: Configuration<D>,
  stage: Stage,
  change: Change<D>,
  { terminal }: Context,
): Promise<number | undefined> {
  const version = await makeVersion(configuration, stage, change, terminal.print, 2);
  if (version === undefined) return undefined;
  terminal.print(`version ${version} of the ${configuration.name} is made`);
  const { strategy } = configuration;
  const deploying = startDeployment(stage, configuration, { version, strategy, description: change.description });
  const number = await deploying.catch(async (thrown: Error) => {
    if (thrown.name === 'BadRequestException') {
      throw new CommandFailed(
        `version ${version} is made and not deployed, AppConfig’s validator refuses it: ${faultsOf(thrown)}`,
      );
    }
    if (thrown.name !== 'ConflictException') throw thrown;
    const busy = await occupant(stage, configuration);
    throw new CommandFailed(
      `version ${version} is made and not deployed: ${busy ?? `AppConfig refuses (${thrown.message})`}`,
    );
  });
  terminal.print(`deployment ${number} of it is started`);
  return number;
}

async function makeVersion<D>(
  configuration: Configuration<D>,
  stage: Stage,
  change: Change<D>,
  print: (line: string) => void,
  tries: number,
): Promise<number | undefined> {
  await requireFree(stage, configuration);
  const { document, version, latestVersion } = await readDeployedOf(configuration, stage);
  const edited = change.edit(document);
  if (edited === undefined) return undefined;
  if (latestVersion > version) {
    print(`version ${version} is deployed and changed; version ${latestVersion}, which nobody deployed, is left out`);
  }
  try {
    return await createVersion(stage, configuration, {
      content: configuration.write(edited),
      description: change.description,
      latestVersion,
    });
  } catch (thrown) {
    const { name } = thrown as Error;
    if (name === 'BadRequestException')
      throw new CommandFailed(`AppConfig does not take the document: ${faultsOf(thrown)}`);
    if (name !== 'ConflictException') throw thrown;
    if (tries > 1) return makeVersion(configuration, stage, change, print, tries - 1);
    throw new CommandFailed(`somebody else keeps making versions of the ${configuration.name}: try again in a minute`);
  }
}

/** What AppConfig's validator says, by place in the document; values are not repeated. */
export function faultsOf(thrown: unknown): string {
  const { message, Details } = thrown as BadRequestException;
  const faults = Details?.InvalidConfiguration ?? [];
  if (faults.length === 0) return message;
  return faults.map(({ Location = '', Reason = '' }) => `${Location} ${Reason}`.trim()).join('; ');
}
