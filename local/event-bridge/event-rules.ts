import type { Clock } from '../clock/clock.ts';
import { type AsyncInvoker, eventBridgeEvent } from '../lambda/async-invocation.ts';
import type { Functions } from '../lambda/functions.ts';
import { arnOf, type Resolver } from '../resolver.ts';
import type { Topics } from '../sns/sns.ts';
import type { Queues } from '../sqs/queues.ts';

const UNIT_MS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };

interface Target {
  readonly Arn: string;
  /** A constant that replaces the event, as JSON text. */
  readonly Input?: string;
  readonly InputPath?: string;
  readonly InputTransformer?: unknown;
  readonly DeadLetterConfig?: { readonly Arn: string };
}

interface Rule {
  readonly logicalId: string;
  readonly busName: string;
  readonly pattern: Pattern | undefined;
  readonly intervalMs: number | undefined;
  readonly targets: readonly Target[];
}

/** An event pattern: lists of exact values, nested like the event. */
interface Pattern {
  readonly [key: string]: Pattern | readonly (string | number | boolean | null)[];
}

export interface EventRulesOptions {
  readonly resolver: Resolver;
  readonly functions: Functions;
  readonly queues: Queues;
  readonly topics: Topics;
  readonly invoker: AsyncInvoker;
  readonly clock: Clock;
}

const DEFAULT_BUS = 'default';
/** The service that publishes to a topic. */
const SERVICE = 'events.amazonaws.com';

/** Gives every event bus of the template its name. */
export function registerEventBuses(resolver: Resolver): void {
  for (const logicalId of resolver.logicalIds('AWS::Events::EventBus')) {
    const name = resolver.nameOf(logicalId, 'Name');
    resolver.register(logicalId, { ref: name, attributes: { Name: name, Arn: arnOf('events', `event-bus/${name}`) } });
  }
}

/** Every `AWS::Events::Rule` of the template, on the default bus and on those of the template. */
export class EventRules {
  readonly #rules: readonly Rule[];
  readonly #buses: ReadonlySet<string>;
  readonly #topics: Topics;
  readonly #invoker: AsyncInvoker;
  readonly #clock: Clock;

  /** @throws Error if a rule has something unsupported */
  constructor({ resolver, functions, queues, topics, invoker, clock }: EventRulesOptions) {
    this.#topics = topics;
    const buses = resolver.logicalIds('AWS::Events::EventBus').map((logicalId) => resolver.nameOf(logicalId, 'Name'));
    this.#buses = new Set([DEFAULT_BUS, ...buses]);
    this.#invoker = invoker;
    this.#clock = clock;
    this.#rules = resolver
      .logicalIds('AWS::Events::Rule')
      .map((logicalId) => [logicalId, resolver.properties(logicalId)] as const)
      .filter(([, { State }]) => State !== 'DISABLED')
      .map(([logicalId, properties]) => readRule(logicalId, properties));
    for (const { logicalId, targets } of this.#rules) {
      for (const target of targets) checkTarget(logicalId, target, { functions, queues, topics });
    }
  }

  /** Starts the schedules, which end with the clock; the first event occurs after one interval. */
  start(): void {
    for (const rule of this.#rules) {
      if (rule.intervalMs === undefined) continue;
      const ruleArn = arnOf('events', `rule/${rule.logicalId}`);
      const tick = () => this.#invokeTargets(rule, eventBridgeEvent('aws.events', 'Scheduled Event', [ruleArn], {}));
      void this.#clock.every(rule.intervalMs, tick);
    }
  }

  hasBus(name: string): boolean {
    return this.#buses.has(name);
  }

  /** Puts an event on a bus, by default the account's. */
  put(event: Readonly<Record<string, unknown>>, busName = DEFAULT_BUS): void {
    for (const rule of this.#rules) {
      const isMeant = rule.busName === busName && rule.pattern !== undefined && matches(rule.pattern, event);
      if (isMeant) this.#invokeTargets(rule, event);
    }
  }

  #invokeTargets({ targets }: Rule, event: Readonly<Record<string, unknown>>): void {
    for (const { Arn, Input, InputPath } of targets) {
      if (isTopic(Arn)) this.#topics.publish(Arn, JSON.stringify(InputPath === undefined ? event : event.detail));
      else void this.#invoker.invoke(Arn, Input === undefined ? event : JSON.parse(Input));
    }
  }
}

function readRule(logicalId: string, properties: Readonly<Record<string, unknown>>): Rule {
  const { EventBusName = DEFAULT_BUS, EventPattern, ScheduleExpression, Targets = [] } = properties;
  const pattern = EventPattern as Pattern | undefined;
  if (pattern !== undefined) checkPattern(logicalId, pattern);
  return {
    logicalId,
    busName: String(EventBusName),
    pattern,
    intervalMs: ScheduleExpression === undefined ? undefined : interval(logicalId, ScheduleExpression),
    targets: Targets as Target[],
  };
}

function interval(logicalId: string, expression: unknown): number {
  const rate = /^rate\((\d+) (minute|hour|day)s?\)$/.exec(String(expression));
  if (rate === null) throw new Error(`${logicalId}: the local platform runs rate(…) schedules only: ${expression}`);
  return Number(rate[1]) * (UNIT_MS[rate[2] ?? ''] ?? 0);
}

function checkPattern(logicalId: string, pattern: Pattern): void {
  for (const value of Object.values(pattern)) {
    if (!Array.isArray(value)) checkPattern(logicalId, value as Pattern);
    else if (value.some((item) => typeof item === 'object' && item !== null)) {
      throw new Error(`${logicalId}: the local platform compares exact values only, no content filters`);
    }
  }
}

function isTopic(arn: string): boolean {
  return arn.split(':')[2] === 'sns';
}

function checkTarget(
  logicalId: string,
  target: Target,
  { functions, queues, topics }: Pick<EventRulesOptions, 'functions' | 'queues' | 'topics'>,
): void {
  const { Arn, Input, InputPath, InputTransformer, DeadLetterConfig } = target;
  if (isTopic(Arn)) {
    if (!topics.mayPublish(Arn, SERVICE))
      throw new Error(`${logicalId}: the policy of ${Arn} does not allow ${SERVICE}`);
    if (Input !== undefined || (InputPath !== undefined && InputPath !== '$.detail'))
      throw new Error(`${logicalId}: the local platform publishes the event or its detail only`);
  } else if (functions.lookUp(Arn) === undefined) {
    throw new Error(`${logicalId}: the local platform invokes functions and publishes to topics only, not ${Arn}`);
  } else if (InputPath !== undefined) {
    throw new Error(`${logicalId}: the local platform understands no InputPath of a function`);
  }
  if (InputTransformer !== undefined)
    throw new Error(`${logicalId}: the local platform understands no InputTransformer`);
  // Unused, since targets always accept events here, but it must be a queue.
  if (DeadLetterConfig !== undefined) queues.find(DeadLetterConfig.Arn);
}

/** Whether an event has a listed value for each key of the pattern; of a list in the event one element must match. */
export function matches(pattern: Pattern, event: unknown): boolean {
  if (typeof event !== 'object' || event === null) return false;
  return Object.entries(pattern).every(([key, wanted]) => {
    const value = (event as Record<string, unknown>)[key];
    if (!Array.isArray(wanted)) return matches(wanted as Pattern, value);
    return [value].flat().some((item) => wanted.includes(item));
  });
}
