import type { Configuration } from '../appconfig/configuration.ts';
import { type DeployedDocument, readDeployed } from '../appconfig/deployed-document.ts';
import type { Stage } from '../shared/stage.ts';
import { type IntegrationsDocument, readDocument, writeDocument } from './integrations-document.ts';

/** The integrations of a stage. */
export const INTEGRATIONS: Configuration<IntegrationsDocument> = {
  name: 'integrations',
  environment: 'IntegrationsEnvironmentId',
  profile: 'IntegrationsProfileId',
  // Without a bake time: while one deployment bakes, AppConfig starts no other, and a pause must not wait for an `add`.
  strategy: 'EmergencyStrategyId',
  read: (text) => readDocument(text),
  write: writeDocument,
  stopCommand(stage, deployment) {
    const where = `--application-id ${stage.output('AppConfigApplicationId')} --environment-id ${stage.output('IntegrationsEnvironmentId')}`;
    return stage.awsCli('appconfig', `stop-deployment ${where} --deployment-number ${deployment} --allow-revert`);
  },
};

/** @throws CommandFailed where nothing is deployed, or what is cannot be read */
export function readDeployedIntegrations(stage: Stage): Promise<DeployedDocument<IntegrationsDocument>> {
  return readDeployed(INTEGRATIONS, stage);
}
