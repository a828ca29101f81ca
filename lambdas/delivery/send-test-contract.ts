import * as z from 'zod';
import { integrationIdSchema } from '../events/event.ts';
import type { SendTimings } from '../partners/webhook-sender.ts';

/** What `./ltw send-test` asks of the function SendTest. */
export const sendTestRequestSchema = z.strictObject({ integration_id: integrationIdSchema });

/** What became of one test event, with all that the partner can compare. Holds no secret. */
export interface SendTestReport {
  readonly integration_id: string;
  readonly webhook_id: string;
  /** Unix seconds, as in the header. */
  readonly webhook_timestamp: string;
  readonly webhook_signature: string;
  /** The exact body. */
  readonly body: string;
  /** `unsent`: nothing went out, and `reason` says why. */
  readonly verdict: 'delivered' | 'retry' | 'gone' | 'dead' | 'unsent';
  readonly reason: string;
  readonly status?: number;
  readonly code?: string;
  /** Why the response could not be read after its status, which counted: Node's error code, or TIMEOUT. */
  readonly response_fault?: string;
  readonly timings?: SendTimings;
  /** The beginning of the partner's answer: for the operator's eyes, never for logs. */
  readonly response_start?: string;
}
