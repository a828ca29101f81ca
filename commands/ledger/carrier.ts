import { executionName } from '../../lambdas/events/identity.ts';
import type { LedgerRecord } from '../../lambdas/ledger/record.ts';
import { leaseEndMs } from '../../lambdas/ledger/transitions.ts';
import { shortTime } from '../shared/time-span.ts';

/**
 * What carries a delivery now. `unclaimed`: a message, or an execution that reads its learning time. `message`: of the
 * deliveries queue. `lost`: the function whose lease has ended did not settle it. `none`: it is final.
 */
export type Carrier =
  | { readonly kind: 'unclaimed' }
  | { readonly kind: 'message' }
  | { readonly kind: 'execution'; readonly execution_arn: string }
  | { readonly kind: 'function'; readonly log_stream: string; readonly lease_until: string }
  | { readonly kind: 'lost'; readonly log_stream: string; readonly lease_until: string }
  | { readonly kind: 'ledger' }
  | { readonly kind: 'none' };

/** @param workflowArn of the state machine. @param record undefined before the first claim */
export function carrierOf(record: LedgerRecord | undefined, workflowArn: string, nowMs: number): Carrier {
  if (record === undefined) return { kind: 'unclaimed' };
  const { webhook_id, state, token, claimed_by = '', lease_until = '' } = record;
  switch (state) {
    case 'accepted':
      // A first acceptance writes no record. A replay, a release and a resend write this state, and send a message.
      return { kind: 'message' };
    case 'delivering': {
      const kind = leaseEndMs(record) > nowMs ? 'function' : 'lost';
      // Behind the `#` it says which of a function's claims it is.
      return { kind, log_stream: claimed_by.replace(/#[^#]*$/, ''), lease_until };
    }
    case 'scheduled':
    case 'parked':
      if (token === undefined) return { kind: state === 'parked' ? 'ledger' : 'none' };
      if (token.endsWith('-m')) return { kind: 'message' };
      return { kind: 'execution', execution_arn: executionArn(workflowArn, executionName(webhook_id, token)) };
    default:
      return { kind: 'none' };
  }
}

function executionArn(workflowArn: string, name: string): string {
  return `${workflowArn.replace(':stateMachine:', ':execution:')}:${name}`;
}

/** @returns undefined for a delivery that is final */
export function formatCarrier(carrier: Carrier): string | undefined {
  switch (carrier.kind) {
    case 'unclaimed':
      return 'a message on its way to the first attempt, or an execution that reads the learning time';
    case 'message':
      return 'a message of the deliveries queue';
    case 'execution':
      return `the execution ${carrier.execution_arn}`;
    case 'function':
      return `a function, until ${shortTime(carrier.lease_until)} at the latest; its log stream is ${carrier.log_stream}`;
    case 'lost':
      return `none: the function that had it until ${shortTime(carrier.lease_until)} has not settled it; its log stream is ${carrier.log_stream}`;
    case 'ledger':
      return 'the ledger alone, until it is released';
    case 'none':
      return undefined;
  }
}
