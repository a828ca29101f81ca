import { truncate } from './text.ts';

/**
 * Base class of all errors that this project throws deliberately.
 *
 * `name` is a literal in each subclass: Lambda reports it as the error type, and the workflow's retriers match on it, so it
 * must survive minification (a class name would not). Messages contain no payload, secret or e-mail address.
 */
export abstract class PipelineError extends Error {
  abstract override readonly name: string;
}

/** AppConfig returned no usable configuration, and none is cached. Retryable. */
export class ConfigurationUnavailable extends PipelineError {
  override readonly name = 'ConfigurationUnavailable';
}

/** A version of the flag is unusable, and a good one is cached. Not retryable: an operator must fix the document. */
export class FlagUnusable extends PipelineError {
  override readonly name = 'FlagUnusable';
}

/** A secret could not be read: Secrets Manager refused or did not respond. Retryable. */
export class SecretUnavailable extends PipelineError {
  override readonly name = 'SecretUnavailable';
}

/** A secret does not exist, has no value, or does not fit its schema. Not retryable: an operator must fix it. */
export class SecretUnusable extends PipelineError {
  override readonly name = 'SecretUnusable';
}

/** The warehouse did not respond within the deadline, refused the query, or returned unreadable rows. Retryable. */
export class WarehouseUnavailable extends PipelineError {
  override readonly name = 'WarehouseUnavailable';
}

/** The circuit breaker is open, so the warehouse was not queried. The event waits in its workflow. */
export class WarehouseSkipped extends PipelineError {
  override readonly name = 'WarehouseSkipped';
}

/** Snowflake has the result of a query no more: it keeps one for 24 hours. The query has to be started again. */
export class WarmResultGone extends PipelineError {
  override readonly name = 'WarmResultGone';
}

/** Valkey did not confirm what a warm run has to know: it is down, slow, full or refuses. The next run continues. */
export class CacheUnavailable extends PipelineError {
  override readonly name = 'CacheUnavailable';
}

/** SQS did not accept a message that must not be lost. Retryable. */
export class QueueRefused extends PipelineError {
  override readonly name = 'QueueRefused';
}

/** The ledger's table failed or did not respond. Deliveries continue without it; commands and the reconciler stop. */
export class LedgerUnavailable extends PipelineError {
  override readonly name = 'LedgerUnavailable';
}

/** A function was invoked with an invalid input. Not retryable. */
export class InputInvalid extends PipelineError {
  override readonly name = 'InputInvalid';
}

/** A function's environment variables do not fit its schema: stack and code have different versions. */
export class EnvironmentInvalid extends PipelineError {
  override readonly name = 'EnvironmentInvalid';
}

/** The name of a thrown value, for logs and dead-letter reasons. SDKs also throw objects that are no errors. */
export function errorName(thrown: unknown): string {
  const name = (thrown as { name?: unknown } | null | undefined)?.name;
  return typeof name === 'string' && name !== '' ? name : 'UnknownError';
}

/** Service errors about an invalid input. They may quote it, as Step Functions' `InvalidExecutionInput` does. */
const QUOTES_INPUT = /^(Validation|Serialization|Invalid)/;

/**
 * Log fields of a thrown value. The message is included only for our own errors and for errors of AWS services. Other
 * messages may quote their input (those of `JSON.parse` do), which may contain a learner's data; so may services that
 * refuse an input. `$fault` marks a service's error. The SDK sets `$metadata` on other errors too.
 */
export function errorFields(thrown: unknown): { error: string; error_message?: string } {
  const error = errorName(thrown);
  const isOfService = (thrown as { $fault?: unknown } | null)?.$fault !== undefined && !QUOTES_INPUT.test(error);
  const quotable = thrown instanceof PipelineError || isOfService;
  return quotable ? { error, error_message: truncate((thrown as Error).message, 500) } : { error };
}
