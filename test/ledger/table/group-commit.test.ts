import { expect, test } from '@jest/globals';
import { MAX_BATCH_WRITES } from '../../../lambdas/ledger/table/batch-calls.ts';
import { createGroupCommit } from '../../../lambdas/ledger/table/group-commit.ts';

/** A table that responds to each call when the test decides. */
function tableOnDemand() {
  const calls: { readonly writes: readonly string[]; respond(): void }[] = [];
  const commit = createGroupCommit(
    (writes: readonly string[]) =>
      new Promise<readonly string[]>((resolve) => {
        calls.push({ writes, respond: () => resolve(writes.map((write) => `result of ${write}`)) });
      }),
  );
  return { calls, commit };
}

/** The next turn of the event loop. */
const turn = () => new Promise(setImmediate);

test('writes of one turn of the event loop are one call, and each gets its own result', async () => {
  const { calls, commit } = tableOnDemand();
  const results = Promise.all(['a', 'b'].map(commit));
  await Promise.resolve();
  const later = commit('c');
  expect(calls).toEqual([]);
  await turn();
  expect(calls.map(({ writes }) => writes)).toEqual([['a', 'b', 'c']]);
  calls[0]?.respond();
  expect([...(await results), await later]).toEqual(['result of a', 'result of b', 'result of c']);
});

test('a later write does not wait for calls in progress', async () => {
  const { calls, commit } = tableOnDemand();
  const first = commit('a');
  await turn();
  const second = commit('b');
  await turn();
  calls[1]?.respond();
  expect(await second).toBe('result of b');
  calls[0]?.respond();
  expect(await first).toBe('result of a');
});

test('a call has at most 25 writes', async () => {
  const { calls, commit } = tableOnDemand();
  for (let made = 0; made <= MAX_BATCH_WRITES; made += 1) void commit(String(made));
  await turn();
  expect(calls.map(({ writes }) => writes.length)).toEqual([MAX_BATCH_WRITES, 1]);
});
