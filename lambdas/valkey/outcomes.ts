/** The outcome of one command: a value, an error of the server, or no response (timeout, connection lost). */
export type Outcome<T> = { readonly value: T } | { readonly refused: unknown } | { readonly lost: unknown };

/**
 * Waits for all commands, for `limitMs` at most. Never throws.
 *
 * @returns the outcomes in the order of the commands
 */
export async function outcomesWithin<T>(commands: readonly Promise<T>[], limitMs: number): Promise<Outcome<T>[]> {
  const outcomes: (Outcome<T> | undefined)[] = commands.map(() => undefined);
  const settled = commands.map(async (command, position) => {
    try {
      outcomes[position] = { value: await command };
    } catch (thrown) {
      outcomes[position] = (thrown as Error).name === 'ReplyError' ? { refused: thrown } : { lost: thrown };
    }
  });
  const limit = Promise.withResolvers<void>();
  const timer = setTimeout(() => setImmediate(limit.resolve), Math.max(1, limitMs)).unref();
  await Promise.race([Promise.all(settled), limit.promise]);
  clearTimeout(timer);
  // A copy: commands that end later must not change it.
  return outcomes.map((outcome) => outcome ?? { lost: new Error(`no response within ${Math.round(limitMs)} ms`) });
}

/**
 * Resolves after `limitMs` and one more run of the event loop, so that responses that arrived while it was blocked still
 * count. Its timer is unref'ed.
 */
export function elapsed(limitMs: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(() => setImmediate(resolve, undefined), limitMs).unref());
}

/** The message of a thrown value; of an `AggregateError`, which has none, that of its first error. */
export function reasonOf(thrown: unknown): string {
  const { message, errors } = thrown as { message?: unknown; errors?: readonly unknown[] };
  return errors?.[0] === undefined ? String(message) : reasonOf(errors[0]);
}
