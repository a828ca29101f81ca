import type { Stage } from '../shared/stage.ts';
import { type Check, howToDeploy } from './check.ts';
import { type Finding, no, yes } from './finding.ts';

const WHAT = 'egress addresses';

const IPV4 = /^\d{1,3}(\.\d{1,3}){3}$/;

export const egressAddresses: Check = {
  what: WHAT,
  async run({ stage }) {
    if (stage.name === 'local') return [yes(WHAT, 'none of its own: requests leave from this machine')];
    return [judgeEgressAddresses(stage.output('EgressAddresses'), stage)];
  },
};

/** @param output the addresses, separated by commas */
export function judgeEgressAddresses(output: string, stage: Stage): Finding {
  const addresses = output.split(',').map((address) => address.trim());
  if (!addresses.every((address) => IPV4.test(address))) {
    return no(WHAT, `the output EgressAddresses lists none: ${output}`, howToDeploy(stage));
  }
  return yes(WHAT, `${addresses.join(', ')}: for partners’ allow-lists and Snowflake’s network policy`);
}
