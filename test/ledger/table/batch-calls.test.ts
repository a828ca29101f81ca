import { describe, expect, jest, test } from '@jest/globals';
import { MAX_WORKFLOW_INPUT_BYTES } from '../../../lambdas/events/delivery.ts';
import { batchWrite, MAX_BATCH_WRITES, putRequest } from '../../../lambdas/ledger/table/batch-calls.ts';
import { sharedLedgerTable } from '../../support/ledger-table.ts';

const ledger = sharedLedgerTable();

const write = (...ids: string[]) =>
  batchWrite(
    'test',
    ids.map((id) => putRequest({ pk: id, sk: 'state' })),
    { client: ledger.client, tableName: 'ledger' },
  );
const keysOf = (writes: readonly { PutRequest: { Item: { pk: { S: string } } } }[]) =>
  writes.map(({ PutRequest }) => PutRequest.Item.pk.S);
const writesOf = (position: number) => ledger.front.calls[position]?.input.RequestItems.ledger;

/** Forwards the first writes of a call, and returns the others as unprocessed. */
function passOnly(count: number) {
  return ({ input }: { input: { RequestItems: { ledger: unknown[] } } }) => {
    const { ledger } = input.RequestItems;
    const left = ledger.slice(count);
    return {
      input: { RequestItems: { ledger: ledger.slice(0, count) } },
      output: (answer: object) => ({ ...answer, UnprocessedItems: left.length > 0 ? { ledger: left } : {} }),
    };
  };
}

describe('unprocessed items', () => {
  test('are requested again, and nothing else', async () => {
    ledger.front.decide(passOnly(1));
    expect(await write('a', 'b', 'c')).toEqual([undefined, undefined, undefined]);
    expect([0, 1, 2].map((position) => keysOf(writesOf(position)))).toEqual([['a', 'b', 'c'], ['b', 'c'], ['c']]);
    for (const id of ['a', 'b', 'c']) expect(await ledger.server.item(id, 'state')).toBeDefined();
  });

  test('fail after the last round, and only those', async () => {
    // The pauses between rounds are random.
    jest.spyOn(Math, 'random').mockReturnValue(0);
    // DynamoDB refuses an empty call, so the front responds itself.
    ledger.front.decide((call, position) =>
      position === 0 ? passOnly(2)(call) : { status: 200, answer: { UnprocessedItems: call.input.RequestItems } },
    );
    const outcomes = await write('d', 'e', 'f');
    expect(outcomes.map((failure) => failure?.name)).toEqual([undefined, undefined, 'LedgerUnavailable']);
    expect(outcomes[2]?.message).toBe('test: DynamoDB left items unprocessed 6 times');
    expect(ledger.front.calls).toHaveLength(6);
    jest.restoreAllMocks();
  });

  test('that fail later are reported separately from processed ones', async () => {
    ledger.front.decide((call, position) =>
      position === 0 ? passOnly(1)(call) : { status: 400, answer: { __type: 'x#ThrottlingException', message: 'no' } },
    );
    const outcomes = await write('g', 'h');
    expect(outcomes.map((failure) => failure?.message)).toEqual([undefined, 'test: ThrottlingException']);
  });
});

describe('a write that DynamoDB refuses', () => {
  test('is not made alone if the table fails', async () => {
    ledger.front.decide(() => ({
      status: 400,
      answer: { __type: 'x#AccessDeniedException', message: 'secret words' },
    }));
    const outcomes = await write('k', 'l');
    expect(outcomes.map((failure) => failure?.message)).toEqual([
      'test: AccessDeniedException',
      'test: AccessDeniedException',
    ]);
    expect(ledger.front.calls).toHaveLength(1);
    expect(outcomes[0]?.cause).toMatchObject({ name: 'AccessDeniedException' });
  });
});

test('a call of the largest accepted events is smaller than BatchWriteItem’s 16 MB', () => {
  const otherBytes = 2048;
  expect(MAX_BATCH_WRITES * (MAX_WORKFLOW_INPUT_BYTES + otherBytes)).toBeLessThan(16 * 1024 * 1024);
});
