import {
  type EventSourceMappingConfiguration,
  GetAccountSettingsCommand,
  GetFunctionConcurrencyCommand,
  paginateListEventSourceMappings,
} from '@aws-sdk/client-lambda';
import type { OutputName, Stage } from '../shared/stage.ts';
import { type Check, findingOf, howToDeploy, noted } from './check.ts';
import { type Finding, no, unknown, yes } from './finding.ts';

const READERS = 'readers of the queues';
const ACCOUNT = 'concurrency of Lambda';

/**
 * It is empty while the ledger responds, and nothing waits for its messages, so it needs no concurrency of its own. A new
 * account has 10 in all.
 */
const OUTCOMES = 'outcomes';

/** Concurrency besides the queues' readers: the workflow's two tasks, the rescue, and a test event (`lib/stage.ts`, dev). */
const BESIDES = 4;

/** The concurrency that Lambda keeps unreserved in an account of ordinary size (Lambda Developer Guide, "Reserved concurrency"). */
const ALWAYS_UNRESERVED = 100;

/** "Concurrent executions", as Service Quotas lists it. */
const QUOTA = '--service-code lambda --quota-code L-B99A9384';

/** Who reads a queue, as it is deployed. */
export interface Reader {
  /** The name of the queue. */
  readonly queue: string;
  /** Undefined where nothing reads it. */
  readonly mapping: EventSourceMappingConfiguration | undefined;
  /** Of the function, where something is reserved for it. */
  readonly reserved: number | undefined;
}

export interface AccountConcurrency {
  readonly inAll: number | undefined;
  readonly unreserved: number | undefined;
}

/** By what is deployed: how many batches of each queue are processed in parallel. */
export const concurrency: Check = {
  what: ACCOUNT,
  async run({ stage }) {
    const readers = readReaders(stage);
    const remedy = howToDeploy(stage);
    return Promise.all([
      findingOf(READERS, stage, remedy, async () => judgeReaders(await readers, stage)),
      findingOf(ACCOUNT, stage, remedy, async () => judgeAccount(await readAccount(stage), await readers)),
    ]);
  },
};

async function readAccount(stage: Stage): Promise<AccountConcurrency> {
  const { AccountLimit } = await stage.lambda.send(new GetAccountSettingsCommand({}));
  return { inAll: AccountLimit?.ConcurrentExecutions, unreserved: AccountLimit?.UnreservedConcurrentExecutions };
}

async function readReaders(stage: Stage): Promise<readonly Reader[]> {
  return Promise.all([
    readReader(stage, 'events', 'EventsQueueArn'),
    readReader(stage, 'deliveries', 'DeliveriesQueueArn'),
    readReader(stage, OUTCOMES, 'OutcomesQueueArn'),
  ]);
}

async function readReader(stage: Stage, queue: string, output: OutputName): Promise<Reader> {
  const found: EventSourceMappingConfiguration[] = [];
  const request = { EventSourceArn: stage.output(output) };
  for await (const page of paginateListEventSourceMappings({ client: stage.lambda }, request)) {
    found.push(...(page.EventSourceMappings ?? []));
  }
  const [mapping] = found;
  if (mapping?.FunctionArn === undefined) return { queue, mapping, reserved: undefined };
  const { ReservedConcurrentExecutions: reserved } = await stage.lambda.send(
    new GetFunctionConcurrencyCommand({ FunctionName: mapping.FunctionArn }),
  );
  return { queue, mapping, reserved };
}

/** Each queue is read, by no more at once than its function may run. */
export function judgeReaders(readers: readonly Reader[], stage: Stage): Finding {
  for (const { queue, mapping, reserved } of readers) {
    const most = mapping?.ScalingConfig?.MaximumConcurrency;
    if (mapping === undefined) return no(READERS, `nothing reads the ${queue} queue`, howToDeploy(stage));
    if (mapping.State !== 'Enabled') {
      const enable = stage.awsCli('lambda', `update-event-source-mapping --uuid ${mapping.UUID} --enabled`);
      return no(READERS, `the ${queue} queue is not read: its reader is ${mapping.State}`, enable);
    }
    if (most === undefined) return no(READERS, `the ${queue} queue is read without a bound`, howToDeploy(stage));
    if (reserved !== undefined && reserved < most) {
      const is = `${most} of the ${queue} queue at once, and its function may run ${reserved} times`;
      return no(READERS, is, howToDeploy(stage));
    }
  }
  return yes(READERS, readers.map(formatReader).join('; '));
}

function formatReader({ queue, mapping, reserved }: Reader): string {
  const own = reserved === undefined ? '' : `, ${reserved} reserved`;
  return `${queue}: ${mapping?.ScalingConfig?.MaximumConcurrency} at once${own}`;
}

/** The unreserved concurrency of the account is enough for the stage's functions. */
export function judgeAccount({ inAll, unreserved }: AccountConcurrency, readers: readonly Reader[]): Finding {
  if (inAll === undefined || unreserved === undefined) return unknown(ACCOUNT, 'Lambda does not return it');
  const sharing = readers.filter(({ queue, reserved }) => queue !== OUTCOMES && reserved === undefined);
  const reading = sharing.reduce((sum, { mapping }) => sum + (mapping?.ScalingConfig?.MaximumConcurrency ?? 0), 0);
  const needed = reading + BESIDES;
  const is = `${unreserved} of the account’s ${inAll} are unreserved, ${needed} are needed (${reading} for readers, ${BESIDES} besides)`;
  if (unreserved < needed) {
    const ask = `aws service-quotas request-service-quota-increase ${QUOTA} --desired-value 1000`;
    return no(ACCOUNT, is, noted(ask, 'or lower maxConcurrency in lib/stage.ts, and deploy'));
  }
  const left = unreserved - ALWAYS_UNRESERVED;
  return yes(ACCOUNT, left > 0 ? `${is}; up to ${left} more may be reserved` : is);
}
