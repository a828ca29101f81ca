import { afterEach } from '@jest/globals';

/** Closes after each test what was started in it, the latest first. */
export function closedAfterEach() {
  const running: { close(): unknown }[] = [];
  afterEach(async () => {
    for (const one of running.splice(0).reverse()) await one.close();
  });
  return async <T extends { close(): unknown }>(starting: T | Promise<T>): Promise<T> => {
    const started = await starting;
    running.push(started);
    return started;
  };
}
