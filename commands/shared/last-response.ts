import type { ListedDelivery } from '../../lambdas/ledger/ports.ts';

/** A partner's response, or a token server's, or how the connection failed: `response-outcome.ts` writes it so. */
const RESPONSE = /(?:token: )?(?:HTTP \d{3}|no response: [A-Z0-9_]+)/;

export interface LastResponse {
  /** `HTTP 503`, `no response: TIMEOUT` */
  readonly text: string;
  /** When the delivery entered its state. ISO 8601, UTC. */
  readonly at: string;
}

/** The response of the delivery that changed last, of those whose reason names one. */
export function lastResponse(
  deliveries: readonly Pick<ListedDelivery, 'reason' | 'changed_at'>[],
): LastResponse | undefined {
  let last: LastResponse | undefined;
  for (const { reason = '', changed_at } of deliveries) {
    const [text] = RESPONSE.exec(reason) ?? [];
    if (text !== undefined && (last === undefined || changed_at > last.at)) last = { text, at: changed_at };
  }
  return last;
}
