import { readFlags } from '../local/command-line.ts';
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
import { runCommand } from './run-command.ts';

const PREFLIGHT_USAGE = `usage: npm run preflight -- [--stage NAME]
  is a stage ready for its first event? Each question with yes, no and how to mend it, or ? and why it is not known.
  It changes nothing and sends nothing; endpoints are knocked at from this machine, and hung up on.
  --stage NAME   local (default; the platform that "npm start" runs), dev, staging, prod
  ends with 0 where every answer is yes, else with 1`;

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

/** `npm run preflight`: 0 where every answer is yes, else 1. @throws UsageError; CommandFailed */
export async function preflight(words: readonly string[], context: Context): Promise<number> {
  const { stage: stageName } = readFlags(words, { stage: { type: 'string', default: 'local' } });
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

if (import.meta.main) await runCommand(preflight, PREFLIGHT_USAGE);
