import type { Context } from './context.ts';
import { readDeployed } from './deployed-document.ts';
import { alarmNotifications } from './preflight/alarm-notifications.ts';
import { alarmSubscriptions } from './preflight/alarm-subscriptions.ts';
import { type Check, findingsOf } from './preflight/check.ts';
import { concurrency } from './preflight/concurrency.ts';
import { deadLetters } from './preflight/dead-letters.ts';
import { describeFindings, describeSum, isReady } from './preflight/describe-findings.ts';
import { egressAddresses } from './preflight/egress-addresses.ts';
import { endpoints } from './preflight/endpoints.ts';
import { flag } from './preflight/flag.ts';
import { integrationSecrets } from './preflight/integration-secrets.ts';
import { integrations } from './preflight/integrations.ts';
import { snowflakeSecret } from './preflight/snowflake-secret.ts';

/** In the order in which a stage is set up. */
const CHECKS: readonly Check[] = [
  snowflakeSecret,
  integrations,
  integrationSecrets,
  endpoints,
  egressAddresses,
  alarmSubscriptions,
  alarmNotifications,
  concurrency,
  flag,
  ...deadLetters,
];

/** `preflight`: 0 where every answer is yes, else 1. @throws CommandFailed */
export async function preflight({ stage: stageName }: { readonly stage: string }, context: Context): Promise<number> {
  const { terminal, now } = context;
  const stage = await context.openStage(stageName);
  terminal.print(
    `preflight of stage ${stage.name}, ${new Date(now()).toISOString().slice(0, 16).replace('T', ' ')} UTC`,
  );
  const looked = { stage, integrations: readDeployed(stage), nowMs: now() };
  const findings = (await Promise.all(CHECKS.map((check) => findingsOf(check, looked)))).flat();
  terminal.print(`${describeFindings(findings)}\n${describeSum(findings, stage.name)}`);
  return isReady(findings) ? 0 : 1;
}
