/**
 * Step Functions' quota for the history of one execution, in events; the execution fails at it (Step Functions Developer Guide,
 * "Avoid reaching the history quota").
 */
export const MAX_HISTORY_EVENTS = 25_000;

/** Entering and leaving a state. */
const STATE_EVENTS = 2;

/**
 * One call of a function: `LambdaFunctionScheduled`, `LambdaFunctionStarted` and its end. A call of a service has as many, one
 * that cannot be scheduled fewer. A retrier's wait has none.
 */
const CALL_EVENTS = 3;

/** A retrier in ASL. */
interface AslRetrier {
  readonly IntervalSeconds: number;
  readonly BackoffRate: number;
  readonly MaxDelaySeconds: number;
  readonly MaxAttempts: number;
}

/** The parts of the workflow's definition that determine the length of its history. */
export interface BoundedDefinition {
  readonly TimeoutSeconds: number;
  readonly States: Readonly<Record<string, { readonly Type: string; readonly Retry?: readonly AslRetrier[] }>>;
}

/** Limits that the functions set, not the definition. */
export interface RoundLimits {
  /** Delivery attempts, over both rounds of a policy. */
  readonly attempts: number;
  /** Rounds without an attempt whose wait may be as short as a second. */
  readonly shortWaits: number;
  /** Minimum wait of every further round without an attempt, in seconds. */
  readonly longWaitSeconds: number;
  /** Enrichment attempts of the workflow. */
  readonly enrichments: number;
}

const DELIVERY_ROUND = ['WaitUntilDue', 'ChooseNextStep', 'Deliver', 'CheckOutcome'];
const ENRICHMENT_ROUND = ['WaitUntilDue', 'ChooseNextStep', 'Enrich', 'IsEnrichmentSettled'];
const FALLBACK_AND_END = ['Fallback', 'ComposeDeadLetter', 'SendDeadLetter', 'Finished'];

/**
 * An upper bound for the number of events in the history of one execution, whatever fails.
 *
 * Retriers count from 0 on each entry of their state, so the product of their maxima and the rounds is far more than an
 * execution has time for. All waits together must fit into the timeout. The bound therefore prices time at `rate` events a
 * second: at most `rate × timeout` events for the time, plus the retries that have more events than their wait costs (weak
 * duality of linear programming; every rate gives a bound, so the lowest counts).
 */
export function historyBound(definition: BoundedDefinition, limits: RoundLimits): number {
  const { States, TimeoutSeconds } = definition;
  const deliveryRound = eventsOf(definition, DELIVERY_ROUND);
  const enrichmentRound = eventsOf(definition, ENRICHMENT_ROUND);
  const deliver = retryWaits(States.Deliver?.Retry);
  const enrich = retryWaits(States.Enrich?.Retry);
  // The execution's own two events, and every retry of the dead-letter message.
  const once =
    2 + eventsOf(definition, FALLBACK_AND_END) + retryWaits(States.SendDeadLetter?.Retry).length * CALL_EVENTS;
  // The last round may end the execution without an attempt.
  const rounds = limits.attempts + limits.shortWaits + 1;

  const boundAt = (rate: number) =>
    rate * TimeoutSeconds +
    once +
    rounds * (deliveryRound + worth(deliver, rate)) +
    limits.enrichments * (enrichmentRound + worth(enrich, rate));
  // The number of long waits is unlimited, so the rate must make them cost at least their events.
  const least = leastRate((rate) => deliveryRound + worth(deliver, rate) <= rate * limits.longWaitSeconds);
  // `boundAt` is convex and piecewise linear, so its minimum is at one of these rates, or at the lowest one allowed.
  const rates = [...deliver, ...enrich].map((seconds) => CALL_EVENTS / seconds).filter((rate) => rate >= least);
  return Math.ceil(Math.min(...[...rates, least].map(boundAt)));
}

/** Events of the states of a path, with one call of each Task. */
function eventsOf({ States }: BoundedDefinition, path: readonly string[]): number {
  return path.reduce((sum, name) => sum + STATE_EVENTS + (States[name]?.Type === 'Task' ? CALL_EVENTS : 0), 0);
}

/** The waits before each retry in one entry of a state, over all its retriers, in seconds. */
function retryWaits(retriers: readonly AslRetrier[] = []): number[] {
  return retriers.flatMap(({ IntervalSeconds, BackoffRate, MaxDelaySeconds, MaxAttempts }) =>
    Array.from({ length: MaxAttempts }, (_, retry) =>
      Math.min(IntervalSeconds * BackoffRate ** retry, MaxDelaySeconds),
    ),
  );
}

/** The events of retries that exceed the cost of their waits. */
function worth(waitsSeconds: readonly number[], rate: number): number {
  return waitsSeconds.reduce((sum, seconds) => sum + Math.max(0, CALL_EVENTS - rate * seconds), 0);
}

/** By bisection, rounded up. */
function leastRate(isEnough: (rate: number) => boolean): number {
  let [tooLittle, enough] = [0, CALL_EVENTS + 1000];
  for (let step = 0; step < 100; step += 1) {
    const middle = (tooLittle + enough) / 2;
    if (isEnough(middle)) enough = middle;
    else tooLittle = middle;
  }
  return enough;
}
