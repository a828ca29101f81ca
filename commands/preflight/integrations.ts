import type { Integration } from '../../lambdas/partners/integration.ts';
import { documentFaults, type IntegrationsDocument } from '../integration/integrations-document.ts';
import { type Check, fittingIntegrations, noted, stageFlag } from './check.ts';
import { type Finding, no, yes } from './finding.ts';

const WHAT = 'integrations';

export const integrations: Check = {
  what: WHAT,
  async run({ stage, integrations }) {
    const { document, version } = await integrations;
    return [judgeIntegrations(document, version, stageFlag(stage))];
  },
  remedy: (stage) => `./ltw integration validate ${stageFlag(stage)}`,
};

/** The document is valid, and an integration is active; inactive ones are named. @param flag the stage's, for commands */
export function judgeIntegrations(document: IntegrationsDocument, version: number, flag: string): Finding {
  const faults = documentFaults(document);
  if (faults.length > 0) {
    const which = faults.length === 1 ? '' : `${faults.length} faults, the first: `;
    return no(WHAT, `${which}${faults[0]}`, `./ltw integration validate ${flag}`);
  }
  const all = fittingIntegrations(document);
  if (all.length === 0) {
    return no(WHAT, 'there are none yet', `./ltw integration add --id ID --url URL ${flag}`);
  }
  const isAllPaused = document.fields.paused === true;
  const off = all.filter(({ active }) => !active);
  const paused = all.filter(({ active, paused }) => active && paused);
  const isNoneActive = isAllPaused || off.length + paused.length === all.length;
  const inactive = [
    isAllPaused ? 'all are paused' : [],
    off.length === 0 ? [] : `off: ${idsOf(off)}`,
    paused.length === 0 ? [] : `paused: ${idsOf(paused)}`,
  ].flat();
  const rest = inactive.map((words) => `; ${words}`).join('');
  if (!isNoneActive) return yes(WHAT, `${all.length} in version ${version}, all entries fit${rest}`);
  const is = `none of ${all.length} receives webhooks${rest}`;
  const whose = isAllPaused ? '--all' : paused[0]?.id;
  if (whose !== undefined) return no(WHAT, is, `./ltw integration resume ${whose} ${flag}`);
  return no(
    WHAT,
    is,
    noted(`./ltw integration list ${flag}`, 'docs/how-to/deploy-integrations-with-the-aws-cli.md: set active to true'),
  );
}

function idsOf(some: readonly Integration[]): string {
  return some.map(({ id }) => id).join(', ');
}
