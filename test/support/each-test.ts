import { afterEach, beforeEach } from '@jest/globals';

/** Starts something anew before each test of a file, or of the block that this is called in, and closes it after it. */
export function eachTest<T extends { close(): Promise<void> }>(start: () => Promise<T>): T {
  let current: T | undefined;
  beforeEach(async () => {
    current = await start();
  });
  afterEach(() => current?.close());
  const running = () => {
    if (current === undefined) throw new Error('nothing runs before the first test begins');
    return current;
  };
  return new Proxy({} as T, {
    get: (_, key) => Reflect.get(running(), key),
    set: (_, key, value) => Reflect.set(running(), key, value),
  });
}
