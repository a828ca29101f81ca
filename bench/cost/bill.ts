import { DOLLARS } from './prices.ts';

/** What was counted on this machine, for one event. */
export interface Counted {
  /** Of an execution whose event is answered at its first try in the workflow, and delivered. */
  readonly transitions: number;
  readonly ledgerWriteUnits: number;
  readonly ledgerReadUnits: number;
}

/** A million events of 2 KB, as docs/costs.md assumes them; its text has the arithmetic behind these. */
const EVENTS = 1_000_000;
const BATCH = 10;
/** One in so many waits for the warehouse, or for its partner. */
const SHARE_IN_WORKFLOW = 0.01;
const INVOCATION = { enrichSeconds: 0.1, deliverSeconds: 0.5, gigabytes: 0.5 };
/** Of one event alone: a read of the cache, and a partner that answers in 0.3 s. */
const INVOCATION_OF_ONE = { enrichSeconds: 0.02, deliverSeconds: 0.32, enrichGigabytes: 0.5, deliverGigabytes: 0.25 };

export type Bill = Readonly<Record<string, number>>;

/** Dollars for a million events: batches over queues, one in a hundred through the workflow. */
export function billOfQueues({ transitions, ...counted }: Counted): Bill {
  const { enrichSeconds, deliverSeconds, gigabytes } = INVOCATION;
  const invocations = 2 * (EVENTS / BATCH);
  return {
    sqs: (EVENTS + EVENTS / 2) * DOLLARS.sqsRequest,
    'lambda requests': invocations * DOLLARS.lambdaRequest,
    'lambda time': (invocations / 2) * (enrichSeconds + deliverSeconds) * gigabytes * DOLLARS.lambdaGigabyteSecond,
    'step functions': SHARE_IN_WORKFLOW * EVENTS * transitions * DOLLARS.stateTransition,
    kms: 50_000 * DOLLARS.kmsCall,
    'x-ray': 0.05 * invocations * DOLLARS.trace,
    ...billOfBoth(counted),
  };
}

/** The same events, each an execution of the same workflow that asks a function twice: nothing waits in a second queue. */
export function billOfWorkflow({ transitions, ...counted }: Counted): Bill {
  const { enrichSeconds, deliverSeconds, enrichGigabytes, deliverGigabytes } = INVOCATION_OF_ONE;
  const invocations = 2 * EVENTS + EVENTS / BATCH;
  const gigabyteSeconds = EVENTS * (enrichSeconds * enrichGigabytes + deliverSeconds * deliverGigabytes);
  return {
    sqs: (EVENTS + (2 * EVENTS) / BATCH) * DOLLARS.sqsRequest,
    'lambda requests': invocations * DOLLARS.lambdaRequest,
    'lambda time': gigabyteSeconds * DOLLARS.lambdaGigabyteSecond,
    'step functions': EVENTS * transitions * DOLLARS.stateTransition,
    // Data keys are reused for five minutes, however many executions there are.
    kms: 50_000 * DOLLARS.kmsCall,
    'x-ray': 0.05 * invocations * DOLLARS.trace,
    ...billOfBoth(counted),
  };
}

/** What costs the same, whichever way an event takes. */
function billOfBoth({ ledgerWriteUnits, ledgerReadUnits }: Omit<Counted, 'transitions'>): Bill {
  return {
    nat: 10 * DOLLARS.natGigabyte,
    'data out': 3 * DOLLARS.dataOutGigabyte,
    appconfig: 300_000 * DOLLARS.appConfigPoll + 1_000 * DOLLARS.appConfigReceived,
    logs: 1 * DOLLARS.logGigabyte,
    cache: 6_100_000 * DOLLARS.cacheEcpu,
    secrets: 58_400 * DOLLARS.secretRead,
    'ledger: writes': EVENTS * ledgerWriteUnits * DOLLARS.tableWriteUnit,
    'ledger: reads': EVENTS * ledgerReadUnits * DOLLARS.tableReadUnit,
    'ledger: reconciler': EVENTS * 8 * DOLLARS.tableReadUnit + 8_000 * DOLLARS.lambdaGigabyteSecond,
    'ledger: storage': 20.5 * DOLLARS.tableGigabyteMonth + 13.6 * DOLLARS.tableBackupGigabyteMonth,
    'ledger: kms': 35_000 * DOLLARS.kmsCall,
  };
}

export function totalOf(bill: Bill): number {
  return Object.values(bill).reduce((sum, dollars) => sum + dollars, 0);
}
