import { truncate } from './text.ts';

/**
 * Base of every error this project throws on purpose.
 *
 * `name` is a literal in each leaf: Lambda reports it as the error type and the workflow's retriers match on it, so it
 * must survive bundling and minification (a class name would not). Messages carry no payload, secret or e-mail address.
 */
export abstract class PipelineError extends Error {
  abstract override readonly name: string;
}

/** AppConfig gave nothing usable and nothing was read before: no endpoint may be guessed. Worth a retry. */
export class ConfigurationUnavailable extends PipelineError {
  override readonly name = 'ConfigurationUnavailable';
}

/** A version of the flag is unusable, and a good one was read before. No retry repairs it: an operator edits the document. */
export class FlagUnusable extends PipelineError {
  override readonly name = 'FlagUnusable';
}

/** A secret could not be read: Secrets Manager refused, or did not respond. Worth a retry. */
export class SecretUnavailable extends PipelineError {
  override readonly name = 'SecretUnavailable';
}

/** A secret was read, and is of no use: it does not exist, has no value, or does not fit its schema. */
export class SecretUnusable extends PipelineError {
  override readonly name = 'SecretUnusable';
}

/** The warehouse did not respond within the deadline, refused, or returned something unreadable. Worth a retry. */
export class WarehouseUnavailable extends PipelineError {
  override readonly name = 'WarehouseUnavailable';
}

/** The warehouse was not asked, because it has failed too often just now. The event waits in its workflow. */
export class WarehouseSkipped extends PipelineError {
  override readonly name = 'WarehouseSkipped';
}

/** SQS did not take a message that must not be lost. Worth a retry. */
export class QueueRefused extends PipelineError {
  override readonly name = 'QueueRefused';
}

/** The ledger's table did not respond as it should. Deliveries go on without; commands and the reconciler stop. */
export class LedgerUnavailable extends PipelineError {
  override readonly name = 'LedgerUnavailable';
}

/** A function was called with an input that it cannot process. A fault of the caller: no retry repairs it. */
export class InputInvalid extends PipelineError {
  override readonly name = 'InputInvalid';
}

/** A function's environment variables do not fit its schema: the stack and the code disagree. */
export class EnvironmentInvalid extends PipelineError {
  override readonly name = 'EnvironmentInvalid';
}

/** The name of anything thrown, for logs and dead letter reasons: SDKs throw objects that are not always errors. */
export function errorName(thrown: unknown): string {
  const name = (thrown as { name?: unknown } | null | undefined)?.name;
  return typeof name === 'string' && name !== '' ? name : 'UnknownError';
}

/** Errors of services about an input that they do not take: `InvalidExecutionInput` of Step Functions quotes its text. */
const QUOTES_INPUT = /^(Validation|Serialization|Invalid)/;

/**
 * What a log line may say of anything thrown. Only our own messages and those of AWS services are repeated: others may
 * quote what they choked on (`JSON.parse` does), and that may be a learner's data. So do services that refuse an input.
 * `$fault` marks what a service said; `$metadata` would not do, the SDK puts it on every error that passes through it.
 */
export function errorFields(thrown: unknown): { error: string; error_message?: string } {
  const error = errorName(thrown);
  const isOfService = (thrown as { $fault?: unknown } | null)?.$fault !== undefined && !QUOTES_INPUT.test(error);
  const quotable = thrown instanceof PipelineError || isOfService;
  return quotable ? { error, error_message: truncate((thrown as Error).message, 500) } : { error };
}
