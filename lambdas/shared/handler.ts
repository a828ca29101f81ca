import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import type { Context } from 'aws-lambda';
import type * as z from 'zod';
import { readEnvironment } from './environment.ts';
import { InputInvalid } from './errors.ts';
import { faultsOf } from './faults.ts';
import { type IoDeadlines, ioDeadlines } from './io-deadlines.ts';
import type { Log } from './log.ts';
import type { Counter } from './metric-definitions.ts';
import { createCounter } from './metrics.ts';

/** What every function has on a cold start, whatever it is for. */
export interface ColdStart<Environment> {
  readonly environment: Environment;
  /** The stage's: those of `IO_DEADLINES`, multiplied by its `IO_DEADLINE_FACTOR`. */
  readonly deadlines: IoDeadlines;
  readonly log: Log;
  /** Published at the end of each invocation. */
  readonly counter: Counter;
}

export interface Handler<Environment, Input, Services, Result> {
  readonly environment: z.ZodType<Environment>;
  /** Of what our own callers send. Absent where an AWS service calls, or where a report says what is wrong. */
  readonly input?: z.ZodType<Input>;
  /** Builds what all invocations of an execution environment share. */
  createServices(start: ColdStart<Environment>): Services;
  /** @param remainingMs until the function's timeout, in milliseconds */
  handle(input: Input, services: Services, remainingMs: () => number): Promise<Result>;
}

/**
 * Makes a function's handler. Services are built by the first invocation, not at import, so that a fault of the
 * environment is reported as an error of that invocation; the next one builds them again.
 *
 * @returns a handler that rejects with EnvironmentInvalid, with InputInvalid, or as `createServices` and `handle` do
 */
export function createHandler<Environment extends { readonly IO_DEADLINE_FACTOR: number }, Input, Services, Result>({
  environment: environmentSchema,
  input: inputSchema,
  createServices,
  handle,
}: Handler<Environment, Input, Services, Result>) {
  let started: { readonly services: Services; publish(): void } | undefined;

  function start() {
    const environment = readEnvironment(environmentSchema, process.env);
    const deadlines = ioDeadlines(environment.IO_DEADLINE_FACTOR);
    const counter = createCounter(new Metrics());
    const services = createServices({ environment, deadlines, log: new Logger(), counter });
    return { services, publish: () => counter.publish() };
  }

  return async (event: Input, context: Pick<Context, 'getRemainingTimeInMillis'>): Promise<Result> => {
    started ??= start();
    try {
      const input = inputSchema === undefined ? event : parseInput(inputSchema, event);
      return await handle(input, started.services, () => context.getRemainingTimeInMillis());
    } finally {
      started.publish();
    }
  };
}

/** @throws InputInvalid naming the fields that do not fit; their values are not repeated */
function parseInput<Input>(schema: z.ZodType<Input>, event: unknown): Input {
  const parsed = schema.safeParse(event);
  if (parsed.success) return parsed.data;
  throw new InputInvalid(`the input does not fit: ${faultsOf(parsed.error, 'input')}`);
}
