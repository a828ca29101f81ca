import type { WriteRequest } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { createGroupCommit } from '../../../lambdas/ledger/table/group-commit.ts';
import { LedgerUnavailable } from '../../../lambdas/shared/errors.ts';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

const write = (id: string, value = 'any'): WriteRequest => ({
  PutRequest: { Item: { pk: { S: id }, value: { S: value } } },
});
const textOf = ({ PutRequest }: WriteRequest) => `${PutRequest?.Item?.pk?.S}=${PutRequest?.Item?.value?.S}`;

/** A table that responds to each call when the test decides. */
function tableOnDemand() {
  const calls: { readonly writes: readonly string[]; respond(failed?: readonly string[]): void }[] = [];
  const failure = new LedgerUnavailable('overwrite: left undone');
  const commit = createGroupCommit(
    (writes) =>
      new Promise((resolve) => {
        const texts = writes.map(textOf);
        calls.push({
          writes: texts,
          respond: (failed = []) => resolve(texts.map((text) => (failed.includes(text) ? failure : undefined))),
        });
      }),
  );
  /** Advances the time in which writes wait for others, and expects the number of calls made by then. */
  const called = async (times: number) => {
    await jest.advanceTimersByTimeAsync(1);
    expect(calls).toHaveLength(times);
  };
  return { calls, commit, called, failure };
}

test('writes of the same millisecond are one call: of one key the last one, and each fails by itself', async () => {
  const { calls, commit, called, failure } = tableOnDemand();
  const ended: string[] = [];
  const writes = [write('a', 'first'), write('b'), write('a', 'second'), write('c')].map((one) =>
    commit(String(one.PutRequest?.Item?.pk?.S), one).then(() => ended.push(textOf(one))),
  );
  const results = Promise.allSettled(writes);
  await called(1);
  expect(calls[0]?.writes).toEqual(['a=second', 'b=any', 'c=any']);
  expect(ended).toEqual([]);
  calls[0]?.respond(['b=any']);
  expect((await results)[1]).toEqual({ status: 'rejected', reason: failure });
  expect(ended).toEqual(['a=first', 'a=second', 'c=any']);
});

test('a later write does not wait for calls in progress', async () => {
  const { calls, commit, called } = tableOnDemand();
  const first = commit('a', write('a'));
  await called(1);
  const second = commit('b', write('b'));
  await called(2);
  calls[1]?.respond();
  await second;
  calls[0]?.respond();
  await first;
  expect(calls.map((call) => call.writes)).toEqual([['a=any'], ['b=any']]);
});
