import { paginateDescribeLogGroups, paginateFilterLogEvents } from '@aws-sdk/client-cloudwatch-logs';
import * as z from 'zod';
import type { LedgerRecord } from '../../lambdas/ledger/record.ts';
import { parseJson } from '../../lambdas/shared/json.ts';
import type { Stage } from '../shared/stage.ts';

/** Functions that make attempts, as their log groups are named. */
const FUNCTIONS = ['DeliverBatch', 'DeliverTask'] as const;

/** The line of an attempt is written when it ends: its timeout is at most a minute. */
const LATEST_LINE_MS = 120_000;

const phasesSchema = z.object({
  dnsMs: z.number().optional(),
  connectMs: z.number().optional(),
  tlsMs: z.number().optional(),
  firstByteMs: z.number().optional(),
  totalMs: z.number(),
});

/** How long the phases of an attempt took, in ms. A connection that was reused has no phases before the first byte. */
export type Phases = z.infer<typeof phasesSchema>;

const lineSchema = z.object({
  message: z.literal('delivery.attempted'),
  webhook_id: z.string(),
  timings: phasesSchema,
});

export interface AttemptPhases {
  /** The attempt's time in the ledger. */
  readonly at: string;
  readonly phases: Phases;
}

/**
 * The phases of a delivery's recorded attempts, from the functions' logs: the ledger has their total only. Absent are those
 * whose lines have expired, and of those without a request.
 *
 * @throws the client's errors
 */
export async function readAttemptPhases(
  { webhook_id, attempts }: Pick<LedgerRecord, 'webhook_id' | 'attempts'>,
  { name: stageName, logs: client }: Pick<Stage, 'name' | 'logs'>,
  signal?: AbortSignal,
): Promise<readonly AttemptPhases[]> {
  if (attempts.length === 0) return [];
  const groups = await findLogGroups(stageName, client);
  const found = await Promise.all(
    attempts.map(async ({ at, duration_ms }, position): Promise<readonly AttemptPhases[]> => {
      const startTime = Date.parse(at);
      const next = attempts[position + 1];
      const endTime = Math.min(startTime + duration_ms + LATEST_LINE_MS, next ? Date.parse(next.at) : Infinity);
      for (const logGroupName of groups) {
        // CloudWatch Logs takes a quoted term as a text that the line contains.
        const input = { logGroupName, startTime, endTime, filterPattern: `"${webhook_id}"` };
        for await (const { events = [] } of paginateFilterLogEvents({ client }, input, ...optionsOf(signal))) {
          for (const { message = '' } of events) {
            const line = lineSchema.safeParse(parseJson(message)).data;
            if (line?.webhook_id === webhook_id) return [{ at, phases: line.timings }];
          }
        }
      }
      return [];
    }),
  );
  return found.flat();
}

function optionsOf(signal: AbortSignal | undefined) {
  return signal === undefined ? [] : [{ abortSignal: signal }];
}

async function findLogGroups(stageName: string, client: Stage['logs']): Promise<readonly string[]> {
  const found: string[] = [];
  const logGroupNamePrefix = `LearningTimeWebhooks-${stageName}-`;
  for await (const { logGroups = [] } of paginateDescribeLogGroups({ client }, { logGroupNamePrefix })) {
    for (const { logGroupName = '' } of logGroups) {
      if (FUNCTIONS.some((name) => logGroupName.includes(`${name}Logs`))) found.push(logGroupName);
    }
  }
  return found;
}
