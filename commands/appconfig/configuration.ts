import { type IntegrationsDocument, readDocument, writeDocument } from '../integration/integrations-document.ts';
import type { OutputName, Stage } from '../shared/stage.ts';

/** An AppConfig profile and its environment, by the outputs that name them. */
export interface Profile {
  /** What it holds, in words. */
  readonly name: string;
  readonly environment: OutputName;
  readonly profile: OutputName;
  /** A command that a person can paste: ends a deployment that is under way, and undoes what it deployed. */
  stopCommand(stage: Stage, deployment: number): string;
}

/** A profile whose document is edited as `D`, and how its versions are usually deployed. */
export interface Configuration<D> extends Profile {
  readonly strategy: OutputName;
  /** @throws CommandFailed where it is no document at all */
  read(text: string): D;
  write(document: D): string;
}

export const INTEGRATIONS: Configuration<IntegrationsDocument> = {
  name: 'integrations',
  environment: 'IntegrationsEnvironmentId',
  profile: 'IntegrationsProfileId',
  // Without a bake time: while one deployment bakes, AppConfig takes no other, and a pause must not wait for an `add`.
  strategy: 'EmergencyStrategyId',
  read: readDocument,
  write: writeDocument,
  stopCommand(stage, deployment) {
    const where = `--application-id ${stage.output('AppConfigApplicationId')} --environment-id ${stage.output('IntegrationsEnvironmentId')}`;
    return stage.awsCli('appconfig', `stop-deployment ${where} --deployment-number ${deployment} --allow-revert`);
  },
};
