/** So many at a time: neither AWS nor partners are asked two thousand things at once. */
const AT_A_TIME = 20;

/** Does something with each, a few at a time; the results are in the same order. @throws what the first to fail threw */
export async function sideBySide<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let from = 0; from < items.length; from += AT_A_TIME) {
    results.push(...(await Promise.all(items.slice(from, from + AT_A_TIME).map(work))));
  }
  return results;
}
