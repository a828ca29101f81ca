import type { Clock } from '../clock/clock.ts';
import { type AsyncInvoker, eventBridgeEvent } from '../lambda/async-invocation.ts';
import type { Functions } from '../lambda/functions.ts';
import { arnOf, type Resolver } from '../resolver.ts';
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
  readonly invoker: AsyncInvoker;
  readonly clock: Clock;
}

/** Every `AWS::Events::Rule` of the template, on the default bus. */
export class EventRules {
  readonly #rules: readonly Rule[];
  readonly #invoker: AsyncInvoker;
  readonly #clock: Clock;

  /** @throws Error if a rule has something unsupported */
  constructor({ resolver, functions, queues, invoker, clock }: EventRulesOptions) {
    this.#invoker = invoker;
    this.#clock = clock;
    this.#rules = resolver
      .logicalIds('AWS::Events::Rule')
      .map((logicalId) => [logicalId, resolver.properties(logicalId)] as const)
      .filter(([, { State }]) => State !== 'DISABLED')
      .map(([logicalId, properties]) => readRule(logicalId, properties));
    for (const { logicalId, targets } of this.#rules) {
      for (const target of targets) checkTarget(logicalId, target, functions, queues);
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

  /** Puts an event on the default bus. */
  put(event: Readonly<Record<string, unknown>>): void {
    for (const rule of this.#rules) {
      if (rule.pattern !== undefined && matches(rule.pattern, event)) this.#invokeTargets(rule, event);
    }
  }

  #invokeTargets({ targets }: Rule, event: Readonly<Record<string, unknown>>): void {
    for (const { Arn, Input } of targets) {
      void this.#invoker.invoke(Arn, Input === undefined ? event : JSON.parse(Input));
    }
  }
}

function readRule(logicalId: string, properties: Readonly<Record<string, unknown>>): Rule {
  const { EventPattern, ScheduleExpression, Targets = [] } = properties;
  const pattern = EventPattern as Pattern | undefined;
  if (pattern !== undefined) checkPattern(logicalId, pattern);
  return {
    logicalId,
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

function checkTarget(logicalId: string, target: Target, functions: Functions, queues: Queues): void {
  if (functions.lookUp(target.Arn) === undefined) {
    throw new Error(`${logicalId}: the local platform invokes functions only, not ${target.Arn}`);
  }
  if (target.InputPath !== undefined || target.InputTransformer !== undefined) {
    throw new Error(`${logicalId}: the local platform understands no InputPath and no InputTransformer`);
  }
  // Unused, since functions always accept events here, but it must be a queue.
  if (target.DeadLetterConfig !== undefined) queues.find(target.DeadLetterConfig.Arn);
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
