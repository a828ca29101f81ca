import { readDeployedIntegrations } from '../integration/deployed-integrations.ts';
import type { Context } from '../shared/context.ts';
import { alarmNotifications } from './alarm-notifications.ts';
import { alarmSubscriptions } from './alarm-subscriptions.ts';
import { type Check, findingsOf } from './check.ts';
import { concurrency } from './concurrency.ts';
import { contacts } from './contacts.ts';
import { deadLetters } from './dead-letters.ts';
import { egressAddresses } from './egress-addresses.ts';
import { endpoints } from './endpoints.ts';
import { findingFields, formatFindings, formatSummary, isReady } from './finding.ts';
import { flag } from './flag.ts';
import { integrationSecrets } from './integration-secrets.ts';
import { integrations } from './integrations.ts';
import { snowflakeSecret } from './snowflake-secret.ts';

/** In the order in which a stage is set up. */
const CHECKS: readonly Check[] = [
  snowflakeSecret,
  integrations,
  integrationSecrets,
  endpoints,
  contacts,
  egressAddresses,
  alarmSubscriptions,
  alarmNotifications,
  concurrency,
  flag,
  ...deadLetters,
];

export interface PreflightOptions {
  readonly stage: string;
  readonly json?: true | undefined;
}

/** `preflight`: 0 where every verdict is yes, else 1. @throws CommandFailed */
export async function preflight({ stage: stageName, json }: PreflightOptions, context: Context): Promise<number> {
  const { terminal, now } = context;
  const stage = await context.openStage(stageName);
  const at = new Date(now()).toISOString();
  if (!json) terminal.print(`preflight of stage ${stage.name}, ${at.slice(0, 16).replace('T', ' ')} UTC`);
  const input = { stage, integrations: readDeployedIntegrations(stage), nowMs: now() };
  const findings = (await Promise.all(CHECKS.map((check) => findingsOf(check, input)))).flat();
  const isStageReady = isReady(findings);
  terminal.print(
    json
      ? JSON.stringify({ stage: stage.name, at, is_ready: isStageReady, findings: findings.map(findingFields) })
      : `${formatFindings(findings)}\n${formatSummary(findings, stage.name)}`,
  );
  return isStageReady ? 0 : 1;
}
