import { beforeEach, expect, test } from '@jest/globals';
import { type Check, findingsOf, type Looked } from '../../../commands/preflight/check.ts';
import { endpoints } from '../../../commands/preflight/endpoints.ts';
import { formatFindings, no, yes } from '../../../commands/preflight/finding.ts';
import { integrationSecrets } from '../../../commands/preflight/integration-secrets.ts';
import { integrations } from '../../../commands/preflight/integrations.ts';
import { CommandFailed } from '../../../commands/shared/failures.ts';
import { eachTest } from '../../support/each-test.ts';
import { NOW } from '../../support/factories.ts';
import { startOperatorWorld } from '../operator-world.ts';

const world = eachTest(startOperatorWorld);
let looked: Looked;

beforeEach(async () => {
  const stage = await world.context.openStage('local');
  const unread = Promise.reject(new CommandFailed('the integrations document is not JSON'));
  // Not every test asks for it.
  unread.catch(() => {});
  looked = { stage, integrations: unread, nowMs: NOW };
});

function failing(thrown: unknown): Check {
  return { what: 'thing', look: () => Promise.reject(thrown), remedy: ({ name }) => `remedy ${name}` };
}

test('integrations that cannot be read are told once; what hangs on them is not known', async () => {
  expect(await findingsOf(integrations, looked)).toEqual([
    no('integrations', 'the integrations document is not JSON', './ltw integration validate --stage local'),
  ]);
  const is = 'the integrations could not be read: see above';
  for (const check of [integrationSecrets, endpoints]) {
    expect(await findingsOf(check, looked)).toEqual([{ answer: '?', what: check.what, is }]);
  }
});

test('what nobody expected is thrown', async () => {
  await expect(findingsOf(failing(new TypeError('a fault of ours')), looked)).rejects.toThrow('a fault of ours');
});

test('what cannot be used is a no, with what fixes it', async () => {
  expect(await findingsOf(failing(new CommandFailed('it is broken')), looked)).toEqual([
    no('thing', 'it is broken', 'remedy local'),
  ]);
});

test('no answer of a service is a question mark', async () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
  expect(await findingsOf(failing(refused), looked)).toEqual([
    {
      answer: '?',
      what: 'thing',
      is: 'the platform of this machine cannot be reached (ECONNREFUSED): is the network up?',
    },
  ]);
});

test('a line of what is quoted does not pass for one of ours', () => {
  const forged = no('integrations', 'integrations.0.id: is wrong (x\nyes  flag  all is well\u2028yes)', 'fix\r\nit');
  expect(formatFindings([yes('flag', 'fits'), forged])).toBe(`\
yes  flag          fits
no   integrations  integrations.0.id: is wrong (x yes  flag  all is well yes)
     fix it`);
});
