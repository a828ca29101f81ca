/** A response with headers or a delay; `afterMs` counts from the complete request. */
export interface FullResponse {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly afterMs?: number;
}

/** A status, a full response, or none. */
export type PartnerResponse = number | 'hang' | FullResponse;

/**
 * The behavior of a partner: always the same response, or `down` (connections are reset). A list is used in order for each
 * `webhook-id`, and its last entry repeats.
 */
export type Behaviour = PartnerResponse | 'down' | readonly PartnerResponse[];

/** @param earlier number of previous requests with the same `webhook-id` */
export function responseFor(behaviour: Exclude<Behaviour, 'down'>, earlier: number): PartnerResponse {
  const list = isList(behaviour) ? behaviour : [behaviour];
  return list[Math.min(earlier, list.length - 1)] ?? 200;
}

/** `503, then 200` */
export function describeBehaviour(behaviour: Behaviour): string {
  const list = isList(behaviour) ? behaviour : [behaviour];
  return list.map(describeResponse).join(', then ');
}

function describeResponse(response: PartnerResponse | 'down'): string {
  if (typeof response !== 'object') return String(response);
  const { status, headers = {}, afterMs } = response;
  const details = [
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    ...(afterMs === undefined ? [] : [`after ${afterMs} ms`]),
  ];
  return details.length === 0 ? String(status) : `${status} (${details.join(', ')})`;
}

function isList(behaviour: Behaviour): behaviour is readonly PartnerResponse[] {
  return Array.isArray(behaviour);
}
