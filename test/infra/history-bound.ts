/**
 * Step Functions' quota for the history of one execution, in events; the execution fails at it (Step Functions Developer Guide,
 * "Avoid reaching the history quota").
 */
export const MAX_HISTORY_EVENTS = 25_000;

/** A state is entered, and left. */
const STATE_EVENTS = 2;

/**
 * One call of a function: `LambdaFunctionScheduled`, `LambdaFunctionStarted`, and how it ended. One of a service has as many. One
 * that cannot be scheduled has fewer. A retrier's wait has none.
 */
const CALL_EVENTS = 3;

/** A retrier, as ASL writes it. */
export interface AslRetrier {
  readonly IntervalSeconds: number;
  readonly BackoffRate: number;
  readonly MaxDelaySeconds: number;
  readonly MaxAttempts: number;
}

/** As much of the workflow's definition as its history depends on. */
export interface BoundedDefinition {
  readonly TimeoutSeconds: number;
  readonly States: Readonly<Record<string, { readonly Type: string; readonly Retry?: readonly AslRetrier[] }>>;
}

/** What the functions, and not the definition, bound. */
export interface RoundLimits {
  /** Attempts at the partner, over both rounds of a policy. */
  readonly attempts: number;
  /** Rounds without an attempt whose wait may be as short as a second. */
  readonly shortWaits: number;
  /** The shortest wait of every further round without an attempt, in seconds. */
  readonly longWaitSeconds: number;
  /** Attempts of the workflow at the warehouse. */
  readonly enrichments: number;
}

const DELIVERY_ROUND = ['WaitUntilDue', 'ChooseNextStep', 'Deliver', 'CheckOutcome'];
const ENRICHMENT_ROUND = ['WaitUntilDue', 'ChooseNextStep', 'Enrich', 'IsEnrichmentSettled'];
const FALLBACK_AND_END = ['Fallback', 'ComposeDeadLetter', 'SendDeadLetter', 'Finished'];

/**
 * The most events that the history of one execution can have, whatever fails, and whenever: an upper bound.
 *
 * Retriers count from 0 again on each entry of their state, so their maxima alone would multiply with the rounds to far more than
 * an execution has time for. Time is what they share: a retry costs its wait, and all waits together end with the execution. So
 * the bound prices time, at `rate` events a second: an execution has at most `rate × timeout` events for its time, and besides only
 * what is worth more than that (linear programming's weak duality: true for every price, so the least one counts).
 */
export function historyBound(definition: BoundedDefinition, limits: RoundLimits): number {
  const { States, TimeoutSeconds } = definition;
  const deliveryRound = eventsOf(definition, DELIVERY_ROUND);
  const enrichmentRound = eventsOf(definition, ENRICHMENT_ROUND);
  const deliver = retryWaits(States.Deliver?.Retry);
  const enrich = retryWaits(States.Enrich?.Retry);
  // The execution's own two events, and every retry of the dead letter.
  const once =
    2 + eventsOf(definition, FALLBACK_AND_END) + retryWaits(States.SendDeadLetter?.Retry).length * CALL_EVENTS;
  // The last round may end it without an attempt.
  const rounds = limits.attempts + limits.shortWaits + 1;

  const boundAt = (rate: number) =>
    rate * TimeoutSeconds +
    once +
    rounds * (deliveryRound + worth(deliver, rate)) +
    limits.enrichments * (enrichmentRound + worth(enrich, rate));
  // Long waits are not counted, so a price must make them worth nothing.
  const isEnough = (rate: number) => deliveryRound + worth(deliver, rate) <= rate * limits.longWaitSeconds;
  // `boundAt` is convex with a kink at each of these, so its least value is at one of them, or at the least price allowed.
  const prices = [...deliver, ...enrich].map((seconds) => CALL_EVENTS / seconds).filter(isEnough);
  return Math.ceil(Math.min(...[...prices, leastPrice(isEnough)].map(boundAt)));
}

/** What the states of a path add, each Task called once. */
function eventsOf({ States }: BoundedDefinition, path: readonly string[]): number {
  return path.reduce((sum, name) => sum + STATE_EVENTS + (States[name]?.Type === 'Task' ? CALL_EVENTS : 0), 0);
}

/** Before each retry of one entry of a state, over all its retriers, in seconds. */
function retryWaits(retriers: readonly AslRetrier[] = []): number[] {
  return retriers.flatMap(({ IntervalSeconds, BackoffRate, MaxDelaySeconds, MaxAttempts }) =>
    Array.from({ length: MaxAttempts }, (_, retry) =>
      Math.min(IntervalSeconds * BackoffRate ** retry, MaxDelaySeconds),
    ),
  );
}

/** The events of retries that are worth more than their time. */
function worth(waitsSeconds: readonly number[], rate: number): number {
  return waitsSeconds.reduce((sum, seconds) => sum + Math.max(0, CALL_EVENTS - rate * seconds), 0);
}

/** By bisection, from above: it is enough. */
function leastPrice(isEnough: (rate: number) => boolean): number {
  let [tooLittle, enough] = [0, CALL_EVENTS + 1000];
  for (let step = 0; step < 100; step += 1) {
    const middle = (tooLittle + enough) / 2;
    if (isEnough(middle)) enough = middle;
    else tooLittle = middle;
  }
  return enough;
}
