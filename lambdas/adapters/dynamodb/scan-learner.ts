import { type AttributeValue, ScanCommand, type ScanCommandInput } from '@aws-sdk/client-dynamodb';
import { marshall, unmarshall } from '@aws-sdk/util-dynamodb';
import { LEDGER_TABLE } from '../../contract/ledger.ts';
import type { LedgerTable } from '../../contract/ledger-ports.ts';
import type { TableAddress } from './batch-write.ts';
import type { Item } from './item-size.ts';
import { SORT_KEYS } from './ledger-items.ts';
import { sideBySide } from './side-by-side.ts';
import { reach } from './unavailable.ts';

const { partitionKey, sortKey } = LEDGER_TABLE;

/** So many parts of the table are read at once. */
const SEGMENTS = 4;

/**
 * A learner's events, by reading the whole table. Those that have expired are among them as long as DynamoDB has not
 * deleted them: whoever asks wants to delete what is held.
 */
export function createLearnerScan({ client, tableName }: TableAddress): LedgerTable['eventsOf'] {
  async function* segment(query: ScanCommandInput, heard: (itemsRead: number) => void): AsyncGenerator<Item[]> {
    let next: Record<string, AttributeValue> | undefined;
    do {
      const command = new ScanCommand({ ...query, ExclusiveStartKey: next });
      const page = await reach('eventsOf', () => client.send(command));
      heard(page.ScannedCount ?? 0);
      yield (page.Items ?? []).map((item) => unmarshall(item));
      next = page.LastEvaluatedKey;
    } while (next !== undefined);
  }

  return async function* eventsOf(learner, report) {
    let itemsRead = 0;
    const heard = (items: number) => {
      itemsRead += items;
      report?.(itemsRead);
    };
    const [condition, value] =
      'userId' in learner
        ? ['#user = :wanted', learner.userId]
        : ['attribute_not_exists(#user) AND contains(#payload, :wanted)', learner.containing];
    const query = {
      TableName: tableName,
      TotalSegments: SEGMENTS,
      FilterExpression: `#sk = :event AND ${condition}`,
      ProjectionExpression: '#pk, integration_id, accepted_at',
      ExpressionAttributeNames: {
        '#pk': partitionKey,
        '#sk': sortKey,
        '#user': 'user_id',
        ...('containing' in learner && { '#payload': 'payload' }),
      },
      ExpressionAttributeValues: marshall({ ':event': SORT_KEYS.event, ':wanted': value }),
    };
    const segments = Array.from({ length: SEGMENTS }, (_, position) => segment({ ...query, Segment: position }, heard));
    for await (const page of sideBySide(segments)) {
      for (const { [partitionKey]: id, integration_id, accepted_at } of page) {
        yield {
          webhook_id: String(id),
          integration_id: String(integration_id),
          accepted_at: String(accepted_at),
        };
      }
    }
  };
}
