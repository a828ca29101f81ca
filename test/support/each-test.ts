import { afterEach, beforeEach } from '@jest/globals';

/** Starts a resource before each test of the file or block, and closes it afterwards. */
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
