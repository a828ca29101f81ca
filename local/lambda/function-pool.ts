import { randomUUID } from 'node:crypto';
import { appendFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../clock/clock.ts';
import { FunctionProcess, type InvocationResult, type LogLine } from './function-process.ts';

/** Lambda's limit for request and response of a synchronous invocation, in bytes. */
export const MAX_PAYLOAD_BYTES = 6 * 1024 * 1024;

/** Number of stored lines of output per function. */
const KEPT_LINES = 2000;

export interface FunctionConfiguration {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
  /** `<module>.<export>`, the module relative to `directory`. */
  readonly handler: string;
  readonly directory: string;
  readonly timeoutSeconds: number;
  /** The stage's deadline factor, which also applies to timeouts; at least 1. */
  readonly ioDeadlineFactor: number;
  readonly memoryMb: number;
  /** Undefined: limited by the account's concurrency only. */
  readonly reservedConcurrency: number | undefined;
  readonly environment: Readonly<Record<string, string>>;
}

/** Concurrency shared by all functions without a reserved one. */
export interface AccountConcurrency {
  readonly limit: number;
  running: number;
}

/** A function with its environments (one process per concurrent invocation, reused while warm) and output. */
export class FunctionPool {
  #configuration: FunctionConfiguration;
  readonly #clock: Clock;
  readonly #account: AccountConcurrency;
  readonly #logFile: string | undefined;
  readonly #onLine: (line: LogLine) => void;
  readonly #onResult: (status: InvocationResult['status']) => void;
  /** Most recently used last. */
  readonly #idle: FunctionProcess[] = [];
  readonly #all = new Set<FunctionProcess>();
  readonly #lines: LogLine[] = [];
  #running = 0;
  #refusal: string | undefined;
  #stopped = false;

  constructor(
    configuration: FunctionConfiguration,
    clock: Clock,
    account: AccountConcurrency,
    logFile?: string,
    onLine: (line: LogLine) => void = () => {},
    onResult: (status: InvocationResult['status']) => void = () => {},
  ) {
    this.#configuration = configuration;
    this.#clock = clock;
    this.#account = account;
    this.#logFile = logFile;
    this.#onLine = onLine;
    this.#onResult = onResult;
  }

  get configuration(): FunctionConfiguration {
    return this.#configuration;
  }

  /** `PutFunctionConcurrency`, for later invocations. */
  reserveConcurrency(invocations: number): void {
    this.#configuration = { ...this.#configuration, reservedConcurrency: invocations };
  }

  /** The handler's module, used as the function's short name: `enrich-batch`. */
  get handlerName(): string {
    return this.configuration.handler.slice(0, this.configuration.handler.lastIndexOf('.'));
  }

  /** Invokes the function synchronously. An error of the function is a result; this never throws. */
  async invoke(payload: unknown): Promise<InvocationResult> {
    const result = await this.#clock.work(() => this.#invoke(payload));
    this.#onResult(result.status);
    return result;
  }

  /**
   * Makes Lambda refuse all later invocations, as for a function that is inactive or has no network interface.
   *
   * @param errorName an error of `Invoke`, such as `ResourceNotReadyException`; undefined: invocations succeed again
   */
  refuseWith(errorName: string | undefined): void {
    this.#refusal = errorName;
  }

  async #invoke(payload: unknown): Promise<InvocationResult> {
    const text = JSON.stringify(payload) ?? 'null';
    if (Buffer.byteLength(text) > MAX_PAYLOAD_BYTES) {
      return failure('RequestEntityTooLargeException', 'the payload is larger than 6 MB');
    }
    if (this.#refusal !== undefined) return { status: 'refused', errorName: this.#refusal };
    if (this.#stopped || !this.#hasConcurrency()) return { status: 'throttled' };
    const isReserved = this.configuration.reservedConcurrency !== undefined;
    this.#count(1, isReserved);
    try {
      return await this.#run(text);
    } finally {
      this.#count(-1, isReserved);
    }
  }

  /** Process ids of the environments, busy or warm. */
  processIds(): number[] {
    return [...this.#all].filter((environment) => environment.usable).map((environment) => environment.id);
  }

  /** Kills one environment (a busy one first) with SIGKILL. @returns its process id; undefined if there is none */
  killOne(): number | undefined {
    const alive = [...this.#all].filter((environment) => environment.usable);
    const chosen = alive.find((environment) => !this.#idle.includes(environment)) ?? alive[0];
    chosen?.kill();
    return chosen?.id;
  }

  /** The last lines of output, oldest first. */
  logs(): readonly LogLine[] {
    return this.#lines;
  }

  /** Kills all environments without waiting, for the exit of this process. */
  killAll(): void {
    for (const environment of this.#all) environment.kill();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.killAll();
    await Promise.all([...this.#all].map((environment) => environment.ended()));
  }

  #hasConcurrency(): boolean {
    const reserved = this.configuration.reservedConcurrency;
    return reserved === undefined ? this.#account.running < this.#account.limit : this.#running < reserved;
  }

  #count(change: 1 | -1, isReserved: boolean): void {
    this.#running += change;
    if (!isReserved) this.#account.running += change;
  }

  async #run(payload: string): Promise<InvocationResult> {
    const environment = this.#warm() ?? this.#start();
    if (!(environment instanceof FunctionProcess)) return environment;
    const error = await environment.load();
    if (error !== undefined) return { status: 'failed', error };
    const timeoutMs = this.configuration.timeoutSeconds * 1000 * this.configuration.ioDeadlineFactor;
    const result = await environment.invoke(this.#invocation(payload, timeoutMs), timeoutMs);
    if (environment.usable) this.#idle.push(environment);
    return tooLarge(result) ? failure('Function.ResponseSizeTooLarge', 'the response is larger than 6 MB') : result;
  }

  #warm(): FunctionProcess | undefined {
    let environment = this.#idle.pop();
    while (environment !== undefined && !environment.usable) environment = this.#idle.pop();
    return environment;
  }

  #start(): FunctionProcess | InvocationResult {
    const modulePath = ['.mjs', '.js', '.cjs']
      .map((extension) => join(this.configuration.directory, `${this.handlerName}${extension}`))
      .find((path) => existsSync(path));
    if (modulePath === undefined) {
      const { handler, directory } = this.configuration;
      return failure('Runtime.ImportModuleError', `${directory} has no module for the handler ${handler}`);
    }
    const environment = new FunctionProcess({
      modulePath,
      exportName: this.configuration.handler.slice(this.handlerName.length + 1),
      environment: this.configuration.environment,
      directory: this.configuration.directory,
      clockOffsetMs: this.#clock.offsetMs,
      onLine: (line) => this.#keep(line),
    });
    this.#all.add(environment);
    void environment.ended().then(() => this.#all.delete(environment));
    return environment;
  }

  #invocation(payload: string, timeoutMs: number) {
    const { name, arn, memoryMb, environment } = this.configuration;
    return {
      payload,
      requestId: randomUUID(),
      functionName: name,
      functionArn: arn,
      memoryLimitInMB: String(memoryMb),
      logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME ?? '',
      logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME ?? '',
      deadlineMs: Date.now() + timeoutMs,
      clockOffsetMs: this.#clock.offsetMs,
    };
  }

  #keep(line: LogLine): void {
    this.#lines.push(line);
    if (this.#lines.length > KEPT_LINES) this.#lines.splice(0, this.#lines.length - KEPT_LINES);
    this.#onLine(line);
    if (this.#logFile !== undefined) appendFileSync(this.#logFile, `${line.text}\n`);
  }
}

function failure(errorType: string, errorMessage: string): InvocationResult {
  return { status: 'failed', error: { errorType, errorMessage } };
}

function tooLarge(result: InvocationResult): boolean {
  return result.status === 'succeeded' && Buffer.byteLength(JSON.stringify(result.payload)) > MAX_PAYLOAD_BYTES;
}
