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

/** What every function has on a cold start. */
export interface ColdStart<Environment> {
  readonly environment: Environment;
  /** `IO_DEADLINES`, multiplied by the stage's `IO_DEADLINE_FACTOR`. */
  readonly deadlines: IoDeadlines;
  readonly log: Log;
  /** Published at the end of each invocation. */
  readonly counter: Counter;
}

export interface Handler<Environment, Input, Services, Result> {
  readonly environment: z.ZodType<Environment>;
  /** Schema of the input. Absent if an AWS service invokes the function, or if the function validates its input itself. */
  readonly input?: z.ZodType<Input>;
  /** Creates the services that all invocations of an execution environment share. */
  createServices(start: ColdStart<Environment>): Services;
  /** @param remainingMs until the function's timeout, in milliseconds */
  handle(input: Input, services: Services, remainingMs: () => number): Promise<Result>;
}

/**
 * Creates a function's handler. The first invocation creates the services, not the import, so that an invalid environment
 * is reported as an error of that invocation; the next invocation creates them again.
 *
 * @returns a handler that rejects with EnvironmentInvalid, InputInvalid, or what `createServices` and `handle` throw
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
