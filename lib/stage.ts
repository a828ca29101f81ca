import * as z from 'zod';
import { IDENTIFIER, TABLE_IDENTIFIER } from '../lambdas/contract/environment.ts';

const identifier = z.string().regex(IDENTIFIER, 'must be an unquoted identifier');

/** Lambda's own bounds: timeout 1 to 900 s, memory 128 to 10,240 MB. CPU grows with memory, 1 vCPU at 1,769 MB. */
const functionSize = z.strictObject({
  timeoutSeconds: z.int().min(1).max(900),
  memoryMegabytes: z.int().min(128).max(10_240),
});

/**
 * How a queue is read. Event source mappings take 2 to 1000 concurrent invocations, a window of 0 to 300 s, and more
 * than 10 messages only with a window of at least 1 s.
 */
const eventSource = z
  .strictObject({
    batchSize: z.int().min(1).max(10_000),
    windowSeconds: z.int().min(0).max(300),
    maxConcurrency: z.int().min(2).max(1000),
  })
  .refine(({ batchSize, windowSeconds }) => batchSize <= 10 || windowSeconds >= 1, {
    message: 'more than 10 messages need a window of at least 1 s',
    path: ['windowSeconds'],
  });

/** A partner's slowest try, 300 s (contract: `timeout_seconds`), must end before the task that makes it. */
const LONGEST_PARTNER_TRY_SECONDS = 300;

const stageSchema = z.strictObject({
  /** Part of the stack's and the secrets' names. */
  name: z.string().regex(/^[a-z][a-z0-9]{0,15}$/),
  /** Where the stack may be deployed. Absent: wherever the credentials at hand lead. */
  env: z.strictObject({ account: z.string().regex(/^\d{12}$/), region: z.string().min(1) }).optional(),
  /** Lets partners be plain HTTP and on loopback. A permission of the stage, never of an integration. */
  allowPlainHttp: z.boolean(),
  /** Serverless Valkey speaks TLS only; a server on one's own machine usually does not speak it at all. */
  cacheTls: z.boolean(),
  /** Upper limits, so that a runaway client meets throttling and not a bill. Gigabytes 1 to 5,000; ECPU/s from 1,000. */
  cache: z.strictObject({
    maxStorageGigabytes: z.int().min(1).max(5000),
    maxEcpuPerSecond: z.int().min(1000).max(15_000_000),
  }),
  /** Checked as identifiers, since they become part of the query's text. */
  warehouse: z.strictObject({
    warehouse: identifier,
    role: identifier,
    table: z.string().regex(TABLE_IDENTIFIER),
    columns: z.strictObject({
      user: identifier,
      course: identifier,
      enterprise: identifier,
      date: identifier,
      seconds: identifier,
    }),
  }),
  eventSources: z.strictObject({
    events: eventSource,
    /** Every message is a request to a partner, made side by side: at most 10, and nothing waits for a batch to fill. */
    deliveries: eventSource.safeExtend({ batchSize: z.int().min(1).max(10), windowSeconds: z.literal(0) }),
  }),
  functions: z.strictObject({
    enrichBatch: functionSize,
    enrichTask: functionSize,
    deliverBatch: functionSize,
    deliverTask: functionSize.refine(({ timeoutSeconds }) => timeoutSeconds > LONGEST_PARTNER_TRY_SECONDS, {
      message: `must be longer than a partner's slowest try, ${LONGEST_PARTNER_TRY_SECONDS} s`,
      path: ['timeoutSeconds'],
    }),
    rescueExecution: functionSize,
    sweepExecutions: functionSize,
  }),
  /** CloudWatch takes certain numbers only. */
  logRetentionDays: z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365]),
});

/** All that differs between stages, or that an operator might change. */
export type Stage = z.infer<typeof stageSchema>;
export type FunctionSize = z.infer<typeof functionSize>;
export type EventSource = z.infer<typeof eventSource>;

const base = {
  cache: {
    // An answer is about 100 bytes: 1 GB holds ten million learners' answers, more than an hour of any LMS has.
    maxStorageGigabytes: 1,
    // A command of under 1 KB costs one ECPU; the largest batch is 50 reads and 50 writes.
    maxEcpuPerSecond: 5000,
  },
  // Names as in document 001, section 3.1.
  warehouse: {
    warehouse: 'REPORTING_WH',
    role: 'ANALYST',
    table: 'PROD.BUSINESS_INTELLIGENCE.LEARNING_TIME',
    columns: {
      user: 'USER_ID',
      course: 'COURSE_KEY',
      enterprise: 'ENTERPRISE_CUSTOMER_UUID',
      date: 'DATE',
      seconds: 'LEARNING_TIME_SECONDS',
    },
  },
  eventSources: {
    // One warehouse query answers a batch's misses: up to 50 for the price of one, for a second's wait. Five at a time
    // is what Lambda starts with, and stays under the eight queries that a warehouse runs side by side by default.
    events: { batchSize: 50, windowSeconds: 1, maxConcurrency: 5 },
    // 10 x 10 requests in flight in all.
    deliveries: { batchSize: 10, windowSeconds: 0, maxConcurrency: 10 },
  },
  // Memory buys CPU: 512 MB, three tenths of one, where batches or the warehouse's SDK are worked on; 256 MB for what
  // handles one thing and waits.
  functions: {
    // Cache 0.2 s, warehouse at most 10 s, and time left to hand the whole batch to the workflow.
    enrichBatch: { timeoutSeconds: 30, memoryMegabytes: 512 },
    // Warehouse at most 30 s, after a cold start that loads its SDK.
    enrichTask: { timeoutSeconds: 60, memoryMegabytes: 512 },
    // One partner try of at most 15 s for all records side by side, and time left to hand them on.
    deliverBatch: { timeoutSeconds: 30, memoryMegabytes: 512 },
    // One partner try of at most 300 s.
    deliverTask: { timeoutSeconds: 330, memoryMegabytes: 256 },
    // A handful of API calls for one execution.
    rescueExecution: { timeoutSeconds: 60, memoryMegabytes: 256 },
    // The same for each execution that failed in the last sweeps.
    sweepExecutions: { timeoutSeconds: 60, memoryMegabytes: 256 },
  },
} as const;

const stages: readonly Stage[] = [
  {
    ...base,
    name: 'local',
    // Nobody's account, so that a deploy is refused before it starts.
    env: { account: '000000000000', region: 'us-east-1' },
    allowPlainHttp: true,
    cacheTls: false,
    logRetentionDays: 1,
  },
  { ...base, name: 'dev', allowPlainHttp: false, cacheTls: true, logRetentionDays: 7 },
].map((stage) => stageSchema.parse(stage));

export const STAGE_NAMES: readonly string[] = stages.map(({ name }) => name);

/**
 * @param name as given by `-c stage=…`; anything, since it comes from outside
 * @throws Error in one line that lists the stages
 */
export function findStage(name: unknown): Stage {
  const stage = stages.find((candidate) => candidate.name === name);
  if (stage !== undefined) return stage;
  const given = name === undefined ? 'no stage given' : `unknown stage ${JSON.stringify(name)}`;
  throw new Error(`${given}: choose one with -c stage=${STAGE_NAMES.join(' or -c stage=')}`);
}
