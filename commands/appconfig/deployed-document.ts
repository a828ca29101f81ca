import type { BadRequestException, DeploymentState } from '@aws-sdk/client-appconfig';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';
import { type Configuration, createVersion, latestVersionOf, readLabelledVersion } from './configuration.ts';
import { latestDeploymentOf, occupant, servedDeployment, startDeployment, untilFree } from './deployments.ts';

/** Interval at which functions ask for a new configuration (AppConfig's shortest), in milliseconds. */
export const POLL_INTERVAL_MS = 15_000;

/** The document that functions have, or receive within seconds. */
export interface DeployedDocument<D> {
  readonly document: D;
  readonly version: number;
  /** The version's label, if it has one. */
  readonly label: string | undefined;
  /** The latest of all versions: the deployed one, or a later draft. */
  readonly latestVersion: number;
  readonly deployment: number;
  readonly state: DeploymentState | undefined;
}

/** @throws CommandFailed where nothing is deployed, or what is cannot be read */
export async function readDeployed<D>(configuration: Configuration<D>, stage: Stage): Promise<DeployedDocument<D>> {
  const { number: deployment, version, state } = await servedDeployment(stage, configuration);
  const { text, label } = await readLabelledVersion(stage, configuration, version);
  const document = configuration.read(text);
  const latestVersion = Math.max(version, await latestVersionOf(stage, configuration));
  return { document, version, label, latestVersion, deployment, state };
}

export interface Change<D> {
  /** @param version of the document. @returns undefined where there is nothing to change. @throws CommandFailed */
  readonly edit: (document: D, version: number) => D | undefined;
  /** Shown with the deployment in the console. */
  readonly description: string;
}

/** After as many rounds, each of which another command's change came between, a command fails. */
const MAX_ROUNDS = 5;

/**
 * Creates a new version of the deployed document and starts its deployment. If another command creates or deploys a
 * version in between, AppConfig refuses (`LatestVersionNumber`, `LatestDeploymentNumber`), and the change is made again, on
 * top of the other. So neither of two concurrent changes is lost.
 *
 * @returns the deployment's number; undefined where there was nothing to change
 * @throws CommandFailed where another deployment has to end first, or AppConfig refuses the document
 */
export async function deployChange<D>(
  configuration: Configuration<D>,
  stage: Stage,
  change: Change<D>,
  context: Context,
): Promise<number | undefined> {
  const { print } = context.terminal;
  for (let round = 1; round <= MAX_ROUNDS; round += 1) {
    await untilFree(stage, context, configuration);
    const made = await makeVersion(configuration, stage, change, print);
    if (made === 'nothing to do') return undefined;
    if (made === 'outdated') continue;
    print(`version ${made.version} of the ${configuration.name} is created`);
    const number = await deployVersion(configuration, stage, made, change.description);
    if (number !== undefined) {
      print(`deployment ${number} of it is started`);
      return number;
    }
    print(`another change of the ${configuration.name} was deployed meanwhile: this one is repeated on top of it`);
  }
  throw new CommandFailed(`other commands keep changing the ${configuration.name}: try again in a minute`);
}

interface MadeVersion {
  readonly version: number;
  /** The environment's newest deployment when the document was read. */
  readonly latestDeployment: number;
}

/** @returns `outdated` where another version was created in between */
async function makeVersion<D>(
  configuration: Configuration<D>,
  stage: Stage,
  change: Change<D>,
  print: (line: string) => void,
): Promise<MadeVersion | 'nothing to do' | 'outdated'> {
  // Read before the document, so that AppConfig refuses to start ours if another deployment comes in between.
  const latestDeployment = await latestDeploymentOf(stage, configuration);
  const { document, version, latestVersion } = await readDeployed(configuration, stage);
  const edited = change.edit(document, version);
  if (edited === undefined) return 'nothing to do';
  if (latestVersion > version) {
    print(`version ${version} is deployed and changed; version ${latestVersion}, which is not deployed, is left out`);
  }
  try {
    const content = configuration.write(edited);
    const { description } = change;
    return {
      version: await createVersion(stage, configuration, { content, description, latestVersion }),
      latestDeployment,
    };
  } catch (thrown) {
    const { name } = thrown as Error;
    if (name === 'BadRequestException') throw new CommandFailed(`AppConfig refuses the document: ${faultsOf(thrown)}`);
    if (name === 'ConflictException') return 'outdated';
    throw thrown;
  }
}

/** @returns undefined where another deployment came in between, and has ended */
async function deployVersion<D>(
  configuration: Configuration<D>,
  stage: Stage,
  { version, latestDeployment }: MadeVersion,
  description: string,
): Promise<number | undefined> {
  const { strategy } = configuration;
  try {
    return await startDeployment(stage, configuration, { version, strategy, description, latestDeployment });
  } catch (thrown) {
    const { name, message } = thrown as Error;
    if (name === 'BadRequestException') {
      throw new CommandFailed(
        `version ${version} is created but not deployed, AppConfig’s validator refuses it: ${faultsOf(thrown)}`,
      );
    }
    if (name !== 'ConflictException') throw thrown;
    const busy = await occupant(stage, configuration);
    if (busy !== undefined && !busy.isShort) {
      throw new CommandFailed(`version ${version} is created but not deployed: ${busy.reason}`);
    }
    if (busy === undefined && (await latestDeploymentOf(stage, configuration)) === latestDeployment) {
      throw new CommandFailed(`version ${version} is created but not deployed: AppConfig refuses (${message})`);
    }
    return undefined;
  }
}

/** The validator's messages with their paths in the document; values are not repeated. */
function faultsOf(thrown: unknown): string {
  const { message, Details } = thrown as BadRequestException;
  const faults = Details?.InvalidConfiguration ?? [];
  if (faults.length === 0) return message;
  return faults.map(({ Location = '', Reason = '' }) => `${Location} ${Reason}`.trim()).join('; ');
}
