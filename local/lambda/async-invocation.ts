import { randomUUID } from 'node:crypto';
import type { Clock, Work } from '../clock/clock.ts';
import { ACCOUNT, REGION, type Resolver } from '../resolver.ts';
import type { Queues } from '../sqs/queues.ts';
import type { InvocationResult } from './function-process.ts';
import type { Functions } from './functions.ts';

/** Lambda's waits before the second and third attempt, in seconds. */
const RETRY_DELAYS_SECONDS = [60, 120] as const;
/** Waits after a throttle or another error of Lambda: from 1 s, doubled, up to 5 minutes. */
const THROTTLE_DELAY_SECONDS = { first: 1, most: 300 } as const;
/** Default maximum age of an event whose function does not run. */
const MAX_EVENT_AGE_SECONDS = 6 * 3600;

/** The function's `AWS::Lambda::EventInvokeConfig`. */
interface AsyncConfiguration {
  readonly retryAttempts: number;
  readonly maxEventAgeSeconds: number;
  /** ARN of the queue that gets a record of the failed invocation. */
  readonly onFailure: string | undefined;
}

export interface AsyncInvokerOptions {
  readonly resolver: Resolver;
  readonly functions: Functions;
  readonly queues: Queues;
  readonly clock: Clock;
}

/**
 * Lambda's asynchronous invocation: an event is accepted immediately, and retried when the function fails.
 *
 * An event whose last attempt fails goes to the *function's* failure destination. The dead-letter queue of an EventBridge
 * target is for events that Lambda did not accept, so a function's own failure never reaches it.
 * Source: "How Lambda handles errors and retries with asynchronous invocation", AWS Lambda Developer Guide.
 */
export class AsyncInvoker {
  readonly #functions: Functions;
  readonly #queues: Queues;
  readonly #clock: Clock;
  readonly #configurations = new Map<string, AsyncConfiguration>();
  readonly #stopping = new AbortController();

  constructor({ resolver, functions, queues, clock }: AsyncInvokerOptions) {
    this.#functions = functions;
    this.#queues = queues;
    this.#clock = clock;
    const configs = resolver.logicalIds('AWS::Lambda::EventInvokeConfig').map((id) => resolver.properties(id));
    for (const { configuration } of functions.all()) {
      const { name } = configuration;
      const config = configs.find(({ FunctionName }) => FunctionName === name) ?? {};
      const destinations = config.DestinationConfig as { OnFailure?: { Destination: string } } | undefined;
      this.#configurations.set(name, {
        retryAttempts: Number(config.MaximumRetryAttempts ?? RETRY_DELAYS_SECONDS.length),
        maxEventAgeSeconds: Number(config.MaximumEventAgeInSeconds ?? MAX_EVENT_AGE_SECONDS),
        onFailure: destinations?.OnFailure?.Destination,
      });
    }
  }

  /** @param key of the function, see `Functions.find`. Resolves when the event is handled or has failed finally */
  async invoke(key: string, event: unknown): Promise<void> {
    try {
      await this.#clock.work((work) => this.#attempt(key, event, work));
    } catch (thrown) {
      if (!this.#stopping.signal.aborted) throw thrown;
    }
  }

  /** Cancels all retries. */
  stop(): void {
    this.#stopping.abort();
  }

  async #attempt(key: string, event: unknown, work: Work): Promise<void> {
    const pool = this.#functions.find(key);
    const configuration = this.#configurations.get(pool.configuration.name) as AsyncConfiguration;
    const giveUpAt = Date.now() + configuration.maxEventAgeSeconds * 1000;
    let result = await pool.invoke(event);
    let failures = 0;
    let throttles = 0;
    while (result.status !== 'succeeded' && Date.now() < giveUpAt) {
      if (result.status === 'failed') failures += 1;
      else throttles += 1;
      if (failures > configuration.retryAttempts) break;
      const seconds = result.status === 'failed' ? retryDelaySeconds(failures) : throttleDelaySeconds(throttles);
      await work.sleep(seconds * 1000, this.#stopping.signal);
      result = await pool.invoke(event);
    }
    const { onFailure } = configuration;
    if (result.status === 'succeeded' || onFailure === undefined) return;
    const record = failureRecord(pool.configuration.arn, configuration, event, result);
    await this.#queues.send(onFailure, { MessageBody: JSON.stringify(record) });
  }
}

/** The message for a failure destination. */
function failureRecord(
  functionArn: string,
  { retryAttempts }: AsyncConfiguration,
  event: unknown,
  result: Exclude<InvocationResult, { status: 'succeeded' }>,
): object {
  const hasRun = result.status === 'failed';
  return {
    version: '1.0',
    timestamp: new Date().toISOString(),
    requestContext: {
      requestId: randomUUID(),
      functionArn,
      condition: hasRun ? 'RetriesExhausted' : 'EventAgeExceeded',
      approximateInvokeCount: retryAttempts + 1,
    },
    requestPayload: event,
    responseContext: { statusCode: 200, executedVersion: '$LATEST', functionError: 'Unhandled' },
    responsePayload: hasRun ? result.error : { errorType: 'Throttled', errorMessage: 'the function did not run' },
  };
}

function retryDelaySeconds(failures: number): number {
  return RETRY_DELAYS_SECONDS[failures - 1] ?? RETRY_DELAYS_SECONDS[1];
}

function throttleDelaySeconds(throttles: number): number {
  return Math.min(THROTTLE_DELAY_SECONDS.first * 2 ** (throttles - 1), THROTTLE_DELAY_SECONDS.most);
}

/** An event of EventBridge. */
export function eventBridgeEvent(
  source: string,
  detailType: string,
  resources: readonly string[],
  detail: object,
): Readonly<Record<string, unknown>> {
  return {
    version: '0',
    id: randomUUID(),
    'detail-type': detailType,
    source,
    account: ACCOUNT,
    time: new Date().toISOString().replace(/\.\d+/, ''),
    region: REGION,
    resources,
    detail,
  };
}
