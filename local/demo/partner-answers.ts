/** An answer with more than a status; `afterMs` later than the request is complete. */
export interface FullAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly afterMs?: number;
}

/** A status, an answer with more than that, or none at all. */
export type Answer = number | 'hang' | FullAnswer;

/**
 * How a partner answers: always the same, or `down` (connections are reset). A list is gone through once for each
 * `webhook-id`, and its last entry stays.
 */
export type Behaviour = Answer | 'down' | readonly Answer[];

/** @param earlier how many requests with the same `webhook-id` came before */
export function answerFor(behaviour: Exclude<Behaviour, 'down'>, earlier: number): Answer {
  const list = isList(behaviour) ? behaviour : [behaviour];
  return list[Math.min(earlier, list.length - 1)] ?? 200;
}

/** `503, then 200` */
export function describeBehaviour(behaviour: Behaviour): string {
  const list = isList(behaviour) ? behaviour : [behaviour];
  return list.map(describeAnswer).join(', then ');
}

function describeAnswer(answer: Answer | 'down'): string {
  if (typeof answer !== 'object') return String(answer);
  const { status, headers = {}, afterMs } = answer;
  const words = [
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(afterMs === undefined ? [] : [`after ${afterMs} ms`]),
  ];
  return words.length === 0 ? String(status) : `${status} (${words.join(', ')})`;
}

function isList(behaviour: Behaviour): behaviour is readonly Answer[] {
  return Array.isArray(behaviour);
}
