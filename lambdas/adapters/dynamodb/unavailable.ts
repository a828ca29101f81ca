import { errorName, LedgerUnavailable } from '../../contract/errors.ts';

/** The table's own error for whatever a call ended with: the operation and the error's name, and never a value. */
export function unavailable(operation: string, cause: unknown): LedgerUnavailable {
  if (cause instanceof LedgerUnavailable) return cause;
  return new LedgerUnavailable(`${operation}: ${nameOrCode(cause)}`, { cause });
}

/** Where nobody listens, the SDK passes Node's error on, whose code says more than its name. */
function nameOrCode(cause: unknown): string {
  const { code } = (cause ?? {}) as { code?: unknown };
  const name = errorName(cause);
  return ['Error', 'AggregateError'].includes(name) && typeof code === 'string' ? code : name;
}

/** @throws LedgerUnavailable for anything that `call` throws */
export async function reach<T>(operation: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (thrown) {
    throw unavailable(operation, thrown);
  }
}

/**
 * Errors that say something of one key, or of what was sent, and nothing of how the table is. DynamoDB throttles a partition
 * that is written too often while all others respond (Developer Guide, "Error handling with DynamoDB").
 */
const OF_ONE_CALL: ReadonlySet<string> = new Set([
  'ProvisionedThroughputExceededException',
  'ThrottlingException',
  'RequestLimitExceeded',
  'ValidationException',
  'SerializationException',
]);

/** Whether an error means that the table does not respond, to this call or any other. */
export function isTableFault(thrown: unknown): boolean {
  // Without a cause, DynamoDB responded: it left writes undone, which is throttling too, or the item cannot be read.
  if (thrown instanceof LedgerUnavailable)
    return thrown.cause !== undefined && !OF_ONE_CALL.has(errorName(thrown.cause));
  return false;
}
