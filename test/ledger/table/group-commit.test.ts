import type { WriteRequest } from '@aws-sdk/client-dynamodb';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
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
  const calls: { readonly writes: readonly string[]; answer(failed?: readonly string[]): void }[] = [];
  const failure = new LedgerUnavailable('overwrite: left undone');
  const commit = createGroupCommit(
    (writes) =>
      new Promise((resolve) => {
        const texts = writes.map(textOf);
        calls.push({
          writes: texts,
          answer: (failed = []) => resolve(texts.map((text) => (failed.includes(text) ? failure : undefined))),
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

describe('writes of the same millisecond', () => {
  test('are made in one call, and each ends with its response', async () => {
    const { calls, commit, called } = tableOnDemand();
    const ended: string[] = [];
    const writes = ['a', 'b', 'c'].map((id) => commit(id, write(id)).then(() => ended.push(id)));
    await called(1);
    expect(calls[0]?.writes).toEqual(['a=any', 'b=any', 'c=any']);
    expect(ended).toEqual([]);
    calls[0]?.answer();
    await Promise.all(writes);
    expect(ended).toEqual(['a', 'b', 'c']);
  });

  test('of one key are one write, the last one, and both end with it', async () => {
    const { calls, commit, called } = tableOnDemand();
    const writes = [commit('a', write('a', 'first')), commit('b', write('b')), commit('a', write('a', 'second'))];
    await called(1);
    expect(calls.map((call) => call.writes)).toEqual([['a=second', 'b=any']]);
    calls[0]?.answer();
    await Promise.all(writes);
  });

  test('fail separately', async () => {
    const { calls, commit, called, failure } = tableOnDemand();
    const writes = Promise.allSettled(['a', 'b', 'c'].map((id) => commit(id, write(id))));
    await called(1);
    calls[0]?.answer(['b=any']);
    expect((await writes).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect((await writes)[1]).toMatchObject({ reason: failure });
  });
});

test('a later write does not wait for calls in progress', async () => {
  const { calls, commit, called } = tableOnDemand();
  const first = commit('a', write('a'));
  await called(1);
  const second = commit('b', write('b'));
  await called(2);
  calls[1]?.answer();
  await second;
  calls[0]?.answer();
  await first;
  expect(calls.map((call) => call.writes)).toEqual([['a=any'], ['b=any']]);
});
