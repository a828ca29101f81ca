import { PutItemCommand } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import { describe, expect, jest, test } from '@jest/globals';
import { MAX_WORKFLOW_INPUT_BYTES } from '../../../lambdas/events/delivery.ts';
import { batchWrite, createItems, MAX_BATCH_WRITES, putRequest } from '../../../lambdas/ledger/table/batch-calls.ts';
import { itemsThroughSdk } from '../../../lambdas/ledger/table/table-calls.ts';
import { sharedLedgerTable } from '../../support/ledger-table.ts';

const ledger = sharedLedgerTable();

const items = () => itemsThroughSdk({ client: ledger.client, tableName: 'ledger' });
const write = (...ids: string[]) =>
  batchWrite(
    'test',
    ids.map((id) => putRequest({ pk: id, sk: 'state' })),
    items(),
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

describe('items that must not exist', () => {
  const item = (pk: string, written = 'first') => ({ pk, sk: 'state', attempts: [], times: { accepted: 1 }, written });
  const create = (...all: ReturnType<typeof item>[]) => createItems('test', all, items());
  const operations = () => ledger.front.calls.map(({ operation }) => operation);
  const refusal = (name: string) => ({ status: 400, answer: { __type: `x#${name}`, message: 'secret words' } });
  const refuseStatements = (name: string) =>
    ledger.front.decide(({ operation }) => (operation === 'BatchExecuteStatement' ? refusal(name) : 'pass'));
  /** The response to a batch of three, of which the second statement failed. */
  const failSecond = (Code: string) =>
    ledger.front.decide(({ operation, input }) => {
      if (operation !== 'BatchExecuteStatement') return 'pass';
      const [first, , third] = input.Statements;
      return {
        input: { Statements: [first, third] },
        output: ({ Responses }) => {
          const [one, other] = Responses as object[];
          return { Responses: [one, { Error: { Code, Message: 'secret words' } }, other] };
        },
      };
    });

  test('are created in one call, and each fails by itself', async () => {
    await ledger.client.send(new PutItemCommand({ TableName: 'ledger', Item: marshall(item('m', 'before')) }));
    ledger.front.calls.length = 0;
    expect(await create(item('l'), item('m'), item('n'))).toEqual([true, false, true]);
    expect(operations()).toEqual(['BatchExecuteStatement']);
    expect(await ledger.server.item('l', 'state')).toEqual(item('l'));
    expect(await ledger.server.item('m', 'state')).toEqual(item('m', 'before'));
  });

  test('with the same key are not in one call, which DynamoDB would reject: the first one is created', async () => {
    expect(await create(item('o'), item('p'), item('o', 'second'))).toEqual([true, true, false]);
    expect(operations()).toEqual(['BatchExecuteStatement', 'PutItem']);
    expect(await ledger.server.item('o', 'state')).toEqual(item('o'));
  });

  test('are created alone if there is one', async () => {
    expect(await create(item('q'))).toEqual([true]);
    expect(operations()).toEqual(['PutItem']);
  });

  test.each(['ThrottlingError', 'ProvisionedThroughputExceeded', 'InternalServerError', 'ValidationError'])(
    'are created alone if only their statement fails: %s',
    async (code) => {
      failSecond(code);
      const keys = ['r', 's', 't'].map((key) => `${key}-${code}`);
      expect(await create(...keys.map((key) => item(key)))).toEqual([true, true, true]);
      expect(operations()).toEqual(['BatchExecuteStatement', 'PutItem']);
      for (const key of keys) expect(await ledger.server.item(key, 'state')).toEqual(item(key));
    },
  );

  test.each([
    ['DynamoDB rejects the call for its content', 'ValidationException'],
    ['an emulator has no such operation', 'UnknownOperationException'],
  ])('are each created alone if %s', async (_reason, name) => {
    refuseStatements(name);
    expect(await create(item(`u-${name}`), item(`v-${name}`))).toEqual([true, true]);
    expect(operations()).toEqual(['BatchExecuteStatement', 'PutItem', 'PutItem']);
  });

  test('all fail if the table fails, without further calls', async () => {
    refuseStatements('AccessDeniedException');
    const failures = await create(item('w'), item('x'));
    expect(failures).toMatchObject(Array(2).fill({ message: 'test: AccessDeniedException' }));
    expect(operations()).toEqual(['BatchExecuteStatement']);
  });
});

test('a call of the largest accepted events is smaller than BatchWriteItem’s 16 MB', () => {
  const otherBytes = 2048;
  expect(MAX_BATCH_WRITES * (MAX_WORKFLOW_INPUT_BYTES + otherBytes)).toBeLessThan(16 * 1024 * 1024);
});
