import { mkdirSync } from 'node:fs';
import type { LocalAppConfig } from './appconfig/appconfig.ts';
import type { Truthy, UntilOptions } from './clock/clock.ts';
import { alarmArns, LocalAlarms, registerAlarms } from './cloudwatch/alarms.ts';
import { CLOUDWATCH_TARGET, cloudWatchApi } from './cloudwatch/cloudwatch.ts';
import { LOGS_TARGET, logGroups, logsApi } from './cloudwatch/logs.ts';
import { LocalMetrics } from './cloudwatch/metrics.ts';
import { QueueMetrics } from './cloudwatch/queue-metrics.ts';
import { registerAppConfig, seedAppConfig } from './configuration-seeds.ts';
import type { ControlPlane } from './control-plane/server.ts';
import type { Tables } from './dynamodb/dynamodb.ts';
import { EventRules, registerEventBuses } from './event-bridge/event-rules.ts';
import { EVENTS_TARGET, eventsApi } from './event-bridge/put-events.ts';
import { AsyncInvoker, eventBridgeEvent } from './lambda/async-invocation.ts';
import { createMappings, type EventSourceMapping } from './lambda/event-source-mapping.ts';
import type { InvocationResult, LogLine } from './lambda/function-process.ts';
import { Functions, registerFunctions } from './lambda/functions.ts';
import { lambdaApi, lambdaSettingsApi } from './lambda/lambda-api.ts';
import type { LocalSecretsManager } from './secrets-manager/secrets-manager.ts';
import { type ServiceOptions, type Services, startServices, stopServices } from './services.ts';
import { registerTopics, Topics } from './sns/sns.ts';
import type { Queues } from './sqs/queues.ts';
import type { Execution } from './step-functions/execution.ts';
import { createStateMachines, registerStateMachines, type StateMachine } from './step-functions/state-machine.ts';
import { stepFunctionsApi } from './step-functions/step-functions-api.ts';
import { readTemplate } from './template.ts';
import type { RunningValkey } from './valkey/start-valkey.ts';

/** Concurrency of all functions together. A real account starts at 10 or 1,000; this bounds memory, at 60 MB each. */
const ACCOUNT_CONCURRENCY = 50;

export interface PlatformOptions extends ServiceOptions {
  /** The output directory of `cdk synth`: `cdk.out`. */
  readonly assemblyDirectory: string;
  readonly stackName: string;
  /** Each function's output is appended to `<handler>.log` there; created if missing. */
  readonly logDirectory?: string;
  readonly accountConcurrency?: number;
  /** True if the caller stops the platform on SIGINT, SIGTERM and SIGHUP. By default the platform does. */
  readonly leavesSignals?: boolean;
  /** Called when an execution starts and when it ends. */
  readonly onExecutionChange?: (execution: Execution) => void;
}

/** A stack that runs locally. */
export interface Platform {
  /** The template's outputs, resolved. */
  readonly outputs: Readonly<Record<string, string>>;
  /** The functions' `AWS_ENDPOINT_URL_<SERVICE>`, also for other clients. */
  readonly endpoints: Readonly<Record<string, string>>;
  readonly queues: Queues;
  /** DynamoDB, with all tables. @throws Error if the template has none */
  readonly tables: Tables;
  readonly functions: Functions;
  /** The only one of the template. @throws Error if there is none, or more than one */
  readonly stateMachine: StateMachine;
  readonly rules: EventRules;
  readonly topics: Topics;
  readonly controlPlane: ControlPlane;
  readonly appConfig: LocalAppConfig;
  /** ARNs of the template's alarms. AppConfig sees them in ALARM only after `appConfig.store.setAlarm`. */
  readonly alarms: readonly string[];
  readonly secrets: LocalSecretsManager;
  /** URL of the local issuer of tokens for the status API; undefined if the template names another, or none. */
  readonly issuerUrl: string | undefined;
  /** The only cache of the template. @throws Error if there is none, or more than one */
  readonly valkey: RunningValkey;
  /** `Clock.until`: the clock of the pipeline jumps over idle times. */
  until<T>(what: string, probe: () => T | Promise<T>, options?: UntilOptions): Promise<Truthy<T>>;
  /** `Clock.skip`. */
  skip(durationMs: number): Promise<void>;
  /** Offset of its clock to the real one, in milliseconds. */
  readonly clockOffsetMs: number;
  /** A value of the template with every reference resolved. @throws UnresolvedReference */
  resolve(value: unknown): unknown;
  /** Stops all processes and servers. May be called again. */
  stop(): Promise<void>;
}

/**
 * Runs a synthesized stack locally, wired by its template only.
 *
 * @throws Error if the template refers to something that does not exist or is not supported here; everything is stopped
 * then
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  if (options.logDirectory !== undefined) mkdirSync(options.logDirectory, { recursive: true });
  const template = readTemplate(options.assemblyDirectory, options.stackName);
  const services = await startServices(template, options);
  try {
    return await assemble(services, options);
  } catch (thrown) {
    await stopServices(services);
    throw thrown;
  }
}

async function assemble(services: Services, options: PlatformOptions): Promise<Platform> {
  const { clock, resolver, queues, tables, controlPlane, httpApis, caches } = services;
  queues.register(resolver);
  tables?.register(resolver);
  registerFunctions(resolver);
  registerAlarms(resolver);
  registerAppConfig(resolver);
  registerTopics(resolver);
  registerEventBuses(resolver);
  registerStateMachines(resolver);
  await Promise.all([queues.create(resolver), tables?.create(resolver)]);
  seedAppConfig(resolver, controlPlane);

  const endpoints = {
    AWS_ENDPOINT_URL_SQS: queues.endpoint,
    AWS_ENDPOINT_URL_SFN: controlPlane.endpoint,
    AWS_ENDPOINT_URL_SECRETS_MANAGER: controlPlane.endpoint,
    AWS_ENDPOINT_URL_APPCONFIGDATA: controlPlane.endpoint,
    AWS_ENDPOINT_URL_APPCONFIG: controlPlane.endpoint,
    AWS_ENDPOINT_URL_LAMBDA: controlPlane.endpoint,
    AWS_ENDPOINT_URL_CLOUDWATCH: controlPlane.endpoint,
    AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: controlPlane.endpoint,
    AWS_ENDPOINT_URL_SNS: controlPlane.endpoint,
    AWS_ENDPOINT_URL_EVENTBRIDGE: controlPlane.endpoint,
    ...(tables && { AWS_ENDPOINT_URL_DYNAMODB: tables.endpoint }),
  };
  const account = { limit: options.accountConcurrency ?? ACCOUNT_CONCURRENCY, running: 0 };
  const metrics = new LocalMetrics();
  const onLine = ({ text }: LogLine) => metrics.recordLine(text);
  const { logDirectory } = options;
  const onResult = (name: string, status: InvocationResult['status']) => metrics.recordInvocation(name, status);
  const functions = new Functions({ resolver, endpoints, account, clock, logDirectory, onLine, onResult });
  const invoker = new AsyncInvoker({ resolver, functions, queues, clock });
  const topics = new Topics(resolver);
  const rules = new EventRules({ resolver, functions, queues, topics, invoker, clock });
  const onStatusChange = (machine: StateMachine, execution: Execution) => {
    rules.put(statusChange(machine, execution));
    metrics.recordExecution(machine.arn, execution.status);
    options.onExecutionChange?.(execution);
  };
  const stateMachines = createStateMachines(resolver, { functions, queues, clock, onStatusChange });
  controlPlane.registerTarget('AWSStepFunctions', stepFunctionsApi(stateMachines));
  controlPlane.registerRest(lambdaApi(functions));
  controlPlane.registerRest(lambdaSettingsApi({ resolver, functions, account }));
  controlPlane.registerRest(topics.api);
  controlPlane.registerTarget(EVENTS_TARGET, eventsApi(rules));
  const queueMetrics = new QueueMetrics(queues, metrics);
  const setAt = (arn: string) => controlPlane.appConfig.store.alarmSetAt(arn);
  const localAlarms = new LocalAlarms({ resolver, metrics, setAt });
  const sample = () => queueMetrics.sampleAll();
  const describeAlarms = () => localAlarms.describe(Date.now());
  controlPlane.registerTarget(CLOUDWATCH_TARGET, cloudWatchApi(metrics, sample, describeAlarms));
  const groups = () => logGroups(resolver, functions, options.stackName);
  controlPlane.registerTarget(LOGS_TARGET, logsApi(groups));
  httpApis.serve(resolver, functions);
  const { outputs } = resolver.template;
  const resolved = Object.entries(outputs).map(([name, { Value }]) => [name, resolver.resolve(Value, name)]);
  const mappings = createMappings({ resolver, queues, functions, clock });
  for (const mapping of mappings) mapping.start();
  rules.start();
  queueMetrics.start(clock);

  const signals = options.leavesSignals ? [] : SIGNALS;
  const stop = stopOnce({ services, functions, invoker, stateMachines, mappings, signals });
  return {
    outputs: Object.fromEntries(resolved),
    endpoints,
    queues,
    get tables() {
      if (tables === undefined) throw new Error('the template has no table');
      return tables;
    },
    functions,
    get stateMachine() {
      return only(stateMachines, 'state machine');
    },
    rules,
    topics,
    controlPlane,
    appConfig: controlPlane.appConfig,
    alarms: alarmArns(resolver),
    secrets: controlPlane.secretsManager,
    issuerUrl: httpApis.issuer?.url,
    get valkey() {
      return only(caches, 'cache');
    },
    until: (what, probe, options) => clock.until(what, probe, options),
    skip: (durationMs) => clock.skip(durationMs),
    get clockOffsetMs() {
      return clock.offsetMs;
    },
    resolve: (value) => resolver.resolve(value, 'template'),
    stop,
  };
}

interface Running {
  readonly services: Services;
  readonly functions: Functions;
  readonly invoker: AsyncInvoker;
  readonly stateMachines: readonly StateMachine[];
  readonly mappings: readonly EventSourceMapping[];
  /** Signals of this process that stop the platform. */
  readonly signals: readonly NodeJS.Signals[];
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Stops everything once, also on a signal, so that no child process is left. */
function stopOnce(running: Running): () => Promise<void> {
  const { services, functions, invoker, stateMachines, mappings, signals } = running;
  let stopped: Promise<void> | undefined;
  const killFunctions = () => functions.killAll();
  const stopAll = async () => {
    invoker.stop();
    for (const machine of stateMachines) machine.stop();
    const polling = mappings.map((mapping) => mapping.stop());
    await functions.stop();
    await Promise.all(polling);
    await stopServices(services);
    process.off('exit', killFunctions);
    for (const signal of signals) process.off(signal, onSignal);
  };
  const stop = () => {
    stopped ??= stopAll();
    return stopped;
  };
  const onSignal = (signal: NodeJS.Signals) => {
    // Without our listener the signal ends the process.
    void stop().finally(() => process.kill(process.pid, signal));
  };
  process.once('exit', killFunctions);
  for (const signal of signals) process.once(signal, onSignal);
  return stop;
}

/** Step Functions' event for EventBridge, without input and output, as with a customer-managed key. */
function statusChange(machine: StateMachine, { arn, name, status, startedAt, stoppedAt }: Execution) {
  return eventBridgeEvent('aws.states', 'Step Functions Execution Status Change', [arn], {
    executionArn: arn,
    stateMachineArn: machine.arn,
    name,
    status,
    startDate: startedAt,
    stopDate: stoppedAt ?? null,
  });
}

function only<T>(all: readonly T[], what: string): T {
  const [one] = all;
  if (one === undefined || all.length > 1) throw new Error(`the template has ${all.length} of: ${what}`);
  return one;
}
