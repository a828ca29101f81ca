import type { Integration } from '../../lambdas/partners/integration.ts';
import { readSecret, secretName } from '../integration/integration-secrets.ts';
import { secretFault, secretWarning } from '../integration/needed-secrets.ts';
import { signingEnds } from '../integration/signing-ends.ts';
import type { Stage } from '../shared/stage.ts';
import { activeIntegrations, type Check, findingOf, inBatches, noted, stageFlag } from './check.ts';
import { type Finding, no, yes } from './finding.ts';

const WHAT = 'secrets of integrations';
const WELL_FORMED = 'is well-formed';

export const integrationSecrets: Check = {
  what: WHAT,
  async run(input) {
    const { stage, nowMs } = input;
    const active = await activeIntegrations(input);
    const found = await inBatches(active, (integration) => checkOne(integration, stage, nowMs));
    const notable = found.filter(({ is }) => is !== WELL_FORMED);
    const isWhole = found.length > 0 && found.every(({ verdict }) => verdict === 'yes');
    return [...(isWhole ? [yes(WHAT, `whole: ${found.length} of ${found.length}`)] : []), ...notable];
  },
  remedy: validateCommand,
};

function validateCommand(stage: Stage): string {
  return noted(`./ltw integration validate ${stageFlag(stage)}`, 'docs/how-to/change-a-secret.md');
}

function checkOne(integration: Integration, stage: Stage, nowMs: number): Promise<Finding> {
  return findingOf(`secret of ${integration.id}`, stage, validateCommand(stage), async () => {
    const stored = await readSecret(stage, integration.id);
    return judgeSecret(integration, stored?.fields, stage, nowMs);
  });
}

/** @param fields undefined where there is no secret, or none with a value. Faults name keys, never values */
export function judgeSecret(integration: Integration, fields: unknown, stage: Stage, nowMs: number): Finding {
  const { id } = integration;
  const what = `secret of ${id}`;
  if (fields === undefined) {
    const words = `create-secret --name ${secretName(stage, id)} --secret-string file://integration-secret.json`;
    const page = 'docs/how-to/deploy-integrations-with-the-aws-cli.md writes the file';
    return no(what, 'is not there, or has no value', noted(stage.awsCli('secretsmanager', words), page));
  }
  const fault = secretFault(integration, fields, nowMs);
  if (fault !== undefined) return no(what, fault, validateCommand(stage));
  const warning = secretWarning(integration, fields, nowMs);
  if (warning !== undefined) {
    const command = `./ltw integration next-certificate ${id} ${stageFlag(stage)}`;
    return no(what, warning, noted(command, 'docs/how-to/rotate-a-client-certificate.md'));
  }
  const ends = signingEnds(fields, nowMs);
  return yes(what, ends.length === 0 ? WELL_FORMED : ends.join('; '));
}
