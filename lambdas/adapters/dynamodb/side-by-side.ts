/**
 * What several sources give, as it comes: each has one step under way, and the next one starts before the last one's
 * result is handed out. Whoever stops listening leaves nothing behind but the steps under way.
 */
export async function* sideBySide<T>(sources: readonly AsyncGenerator<T>[]): AsyncGenerator<T> {
  const steps = new Map<AsyncGenerator<T>, Promise<Step<T>>>();
  const proceed = (source: AsyncGenerator<T>) => {
    const step = source.next().then(({ done, value }) => ({ source, done: done === true, value: value as T }));
    // Nobody may be listening any more when it fails.
    step.catch(() => undefined);
    steps.set(source, step);
  };
  for (const source of sources) proceed(source);
  while (steps.size > 0) {
    const { source, done, value } = await Promise.race(steps.values());
    if (done) steps.delete(source);
    else {
      proceed(source);
      yield value;
    }
  }
}

interface Step<T> {
  readonly source: AsyncGenerator<T>;
  readonly done: boolean;
  readonly value: T;
}
