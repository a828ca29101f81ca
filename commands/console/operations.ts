import { readArchitecture } from './operations/architecture.ts';
import { readOverviewCharts } from './operations/charts.ts';
import {
  readDeadLetterQueues,
  readDeadReasons,
  readRejectedEvents,
  readRejectedPayload,
  readReplayTargets,
} from './operations/dead-letters.ts';
import {
  estimateDeliverySearch,
  findDeliveries,
  listDeliveries,
  listLedgerIntegrations,
  searchDeliveries,
} from './operations/deliveries.ts';
import { readDelivery, readPayload, readPhases, readResponse } from './operations/delivery.ts';
import {
  readHealth,
  readIntegration,
  readIntegrationStatus,
  readRegistry,
  readSecretStates,
} from './operations/integrations.ts';
import { controlLocalPlatform } from './operations/local-control.ts';
import { readOverview } from './operations/overview.ts';
import {
  readEnterprise,
  readEnterpriseAdoption,
  readFlagRevert,
  readRollout,
  readRolloutPhase,
} from './operations/rollout.ts';
import { readRunbook } from './operations/runbook.ts';
import { readStage } from './operations/stage.ts';
import { stopCommand, stoppableCommand } from './operations/stoppable-command.ts';

/** Every function that the page can call, by the name in its URL: `POST /api/<name>`. */
export const OPERATIONS = {
  stage: readStage,
  overview: readOverview,
  overviewCharts: readOverviewCharts,
  runbook: readRunbook,
  rollout: readRollout,
  flagRevert: readFlagRevert,
  rolloutPhase: readRolloutPhase,
  adoption: readEnterpriseAdoption,
  enterprise: readEnterprise,
  integrations: readRegistry,
  integrationStatus: readIntegrationStatus,
  integrationSecrets: readSecretStates,
  integration: readIntegration,
  integrationHealth: readHealth,
  architecture: readArchitecture,
  localControl: controlLocalPlatform,
  command: stoppableCommand,
  stopCommand,
  deadReasons: readDeadReasons,
  deadLetterQueues: readDeadLetterQueues,
  rejectedEvents: readRejectedEvents,
  rejectedPayload: readRejectedPayload,
  replayTargets: readReplayTargets,
  deliveries: listDeliveries,
  deliveriesById: findDeliveries,
  ledgerIntegrations: listLedgerIntegrations,
  deliverySearch: searchDeliveries,
  deliverySearchEstimate: estimateDeliverySearch,
  delivery: readDelivery,
  deliveryPayload: readPayload,
  deliveryPhases: readPhases,
  deliveryResponse: readResponse,
} as const;

export type Operations = typeof OPERATIONS;
