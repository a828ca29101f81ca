import type { IntegrationStates } from '../integration-notices.ts';
import { type IntegrationState, integrationStateSchema } from '../integration-state.ts';
import { LEDGER_TABLE } from '../record.ts';
import { type Item, type ItemsAddress, putItem, queryItems, type TableAddress } from './table-calls.ts';

const { partitionKey, sortKey, integrationPartition, expiryPartition } = LEDGER_TABLE;

/** The states of integrations: an item each in one partition of the ledger's table, without index entry and expiry. */
export function createIntegrationStates(table: ItemsAddress): IntegrationStates {
  return {
    enter: (state) =>
      putItem('enterState', itemOf(state), table, {
        expression: state.state === 'parked' ? 'attribute_not_exists(#state) OR #state = :from' : '#state = :from',
        names: { '#state': 'state' },
        values: { ':from': state.state === 'parked' ? 'resumed' : 'parked' },
      }),
    async markAnnounced(state) {
      await putItem('markAnnounced', itemOf({ ...state, is_announced: true }), table, {
        expression: '#state = :state AND #at = :at',
        names: { '#state': 'state', '#at': 'at' },
        values: { ':state': state.state, ':at': state.at },
      });
    },
    enterExpiry: (integrationId, expiresAt) =>
      putItem('enterExpiry', expiryItem(integrationId, expiresAt), table, {
        expression: 'attribute_not_exists(#at) OR #at <> :at',
        names: { '#at': 'certificate_expires_at' },
        values: { ':at': expiresAt },
      }),
    async forgetExpiry(integrationId) {
      await putItem('forgetExpiry', expiryItem(integrationId), table);
    },
  };
}

/** The states of all integrations that were ever parked. @throws LedgerUnavailable */
export async function listIntegrationStates(table: TableAddress): Promise<readonly IntegrationState[]> {
  const query = {
    KeyConditionExpression: '#pk = :pk',
    ExpressionAttributeNames: { '#pk': partitionKey },
    ExpressionAttributeValues: { ':pk': { S: integrationPartition } },
    ConsistentRead: true,
  };
  const states: IntegrationState[] = [];
  for await (const page of queryItems('integrationStates', query, table)) states.push(...page.flatMap(readable));
  return states;
}

function expiryItem(integrationId: string, expiresAt?: string): Item {
  return { [partitionKey]: expiryPartition, [sortKey]: integrationId, certificate_expires_at: expiresAt };
}

function itemOf(state: IntegrationState): Item {
  const { integration_id, ...fields } = state;
  return { [partitionKey]: integrationPartition, [sortKey]: integration_id, ...fields };
}

/** An item that does not fit, written by another version, is passed over: its integration counts as never parked. */
function readable({ [sortKey]: integration_id, ...fields }: Item): IntegrationState[] {
  const read = integrationStateSchema.safeParse({ ...fields, integration_id });
  return read.success ? [read.data] : [];
}
