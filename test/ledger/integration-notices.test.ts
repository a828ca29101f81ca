import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { OperationalEvent } from '../../lambdas/events/operational-event.ts';
import { createIntegrationNotices } from '../../lambdas/ledger/integration-notices.ts';
import type { IntegrationState } from '../../lambdas/ledger/integration-state.ts';
import { createIntegrationStates, listIntegrationStates } from '../../lambdas/ledger/table/integration-states.ts';
import { itemsThroughSdk } from '../../lambdas/ledger/table/table-calls.ts';
import { LedgerUnavailable } from '../../lambdas/shared/errors.ts';
import { type LedgerServer, startLedgerServer } from '../support/dynamodb.ts';
import { fakeLog, NOW } from '../support/factories.ts';

let server: LedgerServer;
beforeAll(async () => {
  server = await startLedgerServer();
});
afterAll(() => server.close());

const log = fakeLog();
/** Events that were put, whether the bus took them, and the time of the next ones. */
let sent: string[];
let isBusUp: boolean;
let nowMs = NOW;
beforeEach(() => {
  sent = [];
  isBusUp = true;
  nowMs += 1000;
});
const events = {
  async put({ type, detail }: OperationalEvent) {
    sent.push(`${type} ${detail.integration_id} ${detail.reason}`);
    return isBusUp;
  },
};
/** One process. */
function newNotices() {
  const states = createIntegrationStates(itemsThroughSdk(server));
  return createIntegrationNotices({ states, events, log, now: () => nowMs });
}
async function stateOf(id: string): Promise<IntegrationState | undefined> {
  return (await listIntegrationStates(server)).find(({ integration_id }) => integration_id === id);
}

test('one of several processes announces a transition, and only a transition', async () => {
  const processes = Array.from({ length: 5 }, newNotices);
  const all = (work: (one: ReturnType<typeof newNotices>) => Promise<void>) => Promise.all(processes.map(work));
  await all((one) => one.resumed('acme', 'endpoint_responded'));
  expect([sent, await stateOf('acme')]).toEqual([[], undefined]);

  await all((one) => one.parked('acme', 'endpoint_gone'));
  await all((one) => one.parked('acme', 'certificate_expired'));
  expect(sent.splice(0)).toEqual(['integration.parked acme endpoint_gone']);
  const at = new Date(nowMs).toISOString();
  const fields = { integration_id: 'acme', at, is_announced: true };
  expect(await stateOf('acme')).toEqual({ ...fields, state: 'parked', reason: 'endpoint_gone' });

  await all((one) => one.resumed('acme', 'endpoint_responded'));
  expect(sent.splice(0)).toEqual(['integration.resumed acme endpoint_responded']);
  await all((one) => one.parked('acme', 'endpoint_failing'));
  expect(sent).toEqual(['integration.parked acme endpoint_failing']);
});

test('a state whose event was lost stays unannounced until it is repeated, unless another one has followed', async () => {
  const notices = newNotices();
  isBusUp = false;
  await notices.parked('lost', 'endpoint_gone');
  const lost = (await stateOf('lost')) as IntegrationState;
  expect(lost).toMatchObject({ state: 'parked', is_announced: false });

  isBusUp = true;
  await notices.repeat(lost);
  expect(sent).toEqual(Array(2).fill('integration.parked lost endpoint_gone'));
  expect(await stateOf('lost')).toMatchObject({ is_announced: true });

  isBusUp = false;
  await notices.resumed('lost', 'endpoint_responded');
  await notices.repeat(lost);
  isBusUp = true;
  await notices.repeat(lost);
  expect(await stateOf('lost')).toMatchObject({ state: 'resumed', is_announced: false });
});

test('a certificate is announced until the bus has taken its event, then once; its successor again', async () => {
  const notices = newNotices();
  isBusUp = false;
  await notices.certificateExpiring('acme', NOW);
  isBusUp = true;
  await notices.certificateExpiring('acme', NOW);
  for (const days of [20, 20, 25]) await notices.certificateExpiring('acme', NOW + days * 86_400_000);
  expect(sent).toEqual(Array(4).fill('certificate.expiring acme client_certificate_expires'));
});

test('a table that does not respond announces nothing, and throws nothing', async () => {
  const states = createIntegrationStates({
    tableName: 'ledger',
    call: () => Promise.reject(new LedgerUnavailable('no')),
  });
  const notices = createIntegrationNotices({ states, events, log, now: () => NOW });
  await notices.parked('acme', 'endpoint_gone');
  await notices.certificateExpiring('acme', NOW);
  expect(sent).toEqual([]);
  expect(log.messages()).toEqual(Array(2).fill('integration.state_not_written'));
});
