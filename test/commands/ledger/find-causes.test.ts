import { expect, test } from '@jest/globals';
import { eachTest } from '../../support/each-test.ts';
import { PENDING } from '../../support/factories.ts';
import { DELIVERED, type Left, SCHEDULED, startLedgerOperator } from './ledger-operator.ts';

const operator = eachTest(startLedgerOperator);

const FAILING: Left = {
  progress: { outcome: 'parked', reason: 'parked: integration acme is failing', parked_for: 'failing' },
};
const TIMEOUT: Left['attempt'] = { error: 'no response: TIMEOUT' };

/** What `list` prints as the reason of the only delivery in a state, and `show` and `last` as its cause. */
async function causes(id: string, state: string) {
  const printed = async (...words: readonly string[]) => {
    await operator.run(...words);
    return operator.world.printed().split('\n').at(-1) ?? '';
  };
  await operator.run('show', id);
  const shown = operator.facts().cause;
  const { webhooks } = JSON.parse(await printed('last', '--integration', 'acme', '--json'));
  return {
    shown,
    json: JSON.parse(await printed('show', id, '--json')).cause,
    last: webhooks.find((one: { webhook_id: string }) => one.webhook_id === id).cause,
    listed: (await printed('list', '--state', state)).split(/ {2,}/).at(-1),
  };
}

test('scheduled, since the warehouse did not respond', async () => {
  const id = await operator.webhook({}, SCHEDULED);
  const record = await operator.table.record(id);
  if (record === undefined) throw new Error('there is no record');
  const { reason, ...rest } = record;
  await operator.table.overwrite({ ...rest, enrichment: { ...PENDING, attempts: 2 } });
  const cause = 'warehouse: 2 attempts failed';
  expect(await causes(id, 'scheduled')).toEqual({ shown: cause, json: cause, last: cause, listed: cause });
});

test('parked for a failing endpoint: the error of its own last attempt', async () => {
  const id = await operator.webhook({}, { ...FAILING, attempt: TIMEOUT });
  const cause = 'no response: TIMEOUT';
  expect(await causes(id, 'parked')).toEqual({
    ...{ shown: cause, json: cause, last: cause },
    listed: 'parked: integration acme is failing: no response: TIMEOUT',
  });
});

test('parked without an attempt: the last error of another delivery to the endpoint', async () => {
  operator.at(2);
  await operator.webhook(
    { event_id: 'earlier' },
    { ...SCHEDULED, progress: { ...SCHEDULED.progress, reason: 'HTTP 500' } },
  );
  operator.at(1);
  await operator.webhook({ event_id: 'later' }, SCHEDULED);
  await operator.webhook({ event_id: 'other', integration_id: 'globex' }, { ...SCHEDULED, attempt: TIMEOUT });
  operator.at(0);
  const id = await operator.webhook({}, FAILING);
  expect(await causes(id, 'parked')).toMatchObject({ shown: 'HTTP 503', last: 'HTTP 503' });
});

test('a cause that the reason says already is not repeated; a final state has none', async () => {
  expect(await causes(await operator.webhook({ event_id: '1' }, SCHEDULED), 'scheduled')).toEqual({
    listed: 'HTTP 503',
  });
  const gone = { ...FAILING, progress: { ...FAILING.progress, reason: 'parked: HTTP 410, the endpoint is gone' } };
  expect(await causes(await operator.webhook({ event_id: '2' }, gone), 'parked')).toEqual({
    listed: 'parked: HTTP 410, the endpoint is gone',
  });
  expect(await causes(await operator.webhook({ event_id: '3' }, DELIVERED), 'delivered')).toEqual({
    listed: 'HTTP 200',
  });
});
