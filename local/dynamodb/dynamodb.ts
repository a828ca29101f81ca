import {
  CreateTableCommand,
  type CreateTableCommandInput,
  DynamoDBClient,
  waitUntilTableExists,
} from '@aws-sdk/client-dynamodb';
import { arnOf, REGION, type Resolver } from '../resolver.ts';
import { LOCAL_CREDENTIALS } from '../sqs/queues.ts';
import {
  type DynamoDbMode,
  type DynamoDbOptions,
  type DynamoDbThread,
  startDynamoDbThread,
} from './dynamodb-thread.ts';

const TABLE_TYPE = 'AWS::DynamoDB::Table';

/** Properties that `CreateTable` has under the same name. */
const TABLE_PROPERTIES = [
  'KeySchema',
  'AttributeDefinitions',
  'GlobalSecondaryIndexes',
  'BillingMode',
  'ProvisionedThroughput',
];

/**
 * Properties without effect here: the server does not expire items, stores everything in memory, and has no access control.
 */
const WITHOUT_EFFECT = [
  'TableName',
  'TimeToLiveSpecification',
  'PointInTimeRecoverySpecification',
  'SSESpecification',
  'ContributorInsightsSpecification',
  'DeletionProtectionEnabled',
  'TableClass',
  'OnDemandThroughput',
  'WarmThroughput',
  'ResourcePolicy',
  'Tags',
];

export interface LocalTable {
  readonly logicalId: string;
  readonly name: string;
  readonly arn: string;
}

/** DynamoDB on loopback: one table for each `AWS::DynamoDB::Table`, with the template's keys and indexes. */
export class Tables {
  readonly endpoint: string;
  readonly client: DynamoDBClient;
  readonly #thread: DynamoDbThread;
  readonly #byLogicalId = new Map<string, LocalTable>();

  private constructor(thread: DynamoDbThread) {
    this.#thread = thread;
    this.endpoint = thread.endpoint;
    this.client = new DynamoDBClient({ endpoint: thread.endpoint, region: REGION, credentials: LOCAL_CREDENTIALS });
  }

  static async start(options: DynamoDbOptions = {}): Promise<Tables> {
    return new Tables(await startDynamoDbThread(options));
  }

  /** Gives every table of the template its name and ARN, so that others can refer to it before it exists. */
  register(resolver: Resolver): void {
    for (const logicalId of resolver.logicalIds(TABLE_TYPE)) {
      const name = resolver.nameOf(logicalId, 'TableName');
      const arn = arnOf('dynamodb', `table/${name}`);
      this.#byLogicalId.set(logicalId, { logicalId, name, arn });
      resolver.register(logicalId, { ref: name, attributes: { Arn: arn } });
    }
  }

  /**
   * Creates the registered tables.
   *
   * @throws Error if a table has an unsupported property, or like DynamoDB
   */
  async create(resolver: Resolver): Promise<void> {
    const inputs = this.all().map(({ logicalId, name }) => creation(logicalId, name, resolver.properties(logicalId)));
    await Promise.all(inputs.map((input) => this.#createTable(input)));
  }

  async #createTable(input: CreateTableCommandInput): Promise<void> {
    await this.client.send(new CreateTableCommand(input));
    // The server accepts no items of a new table at first, like DynamoDB.
    const limits = { client: this.client, minDelay: 0.01, maxDelay: 0.1, maxWaitTime: 10 };
    await waitUntilTableExists(limits, { TableName: input.TableName });
  }

  all(): LocalTable[] {
    return [...this.#byLogicalId.values()];
  }

  /** By logical id, name or ARN. @throws Error if the template has no such table */
  find(key: string): LocalTable {
    const table = this.all().find(({ logicalId, name, arn }) => [logicalId, name, arn].includes(key));
    if (table === undefined) throw new Error(`the template has no table ${key}`);
    return table;
  }

  /** Takes all tables down or up, for functions and clients; they keep their items. */
  setMode(mode: DynamoDbMode): Promise<void> {
    return this.#thread.setMode(mode);
  }

  async stop(): Promise<void> {
    this.client.destroy();
    await this.#thread.stop();
  }
}

function creation(logicalId: string, name: string, properties: Record<string, unknown>): CreateTableCommandInput {
  const unknown = Object.keys(properties).find((key) => ![...TABLE_PROPERTIES, ...WITHOUT_EFFECT].includes(key));
  if (unknown !== undefined)
    throw new Error(`${logicalId}: ${unknown} of a table is not supported by the local platform`);
  const taken = Object.entries(properties).filter(([key]) => TABLE_PROPERTIES.includes(key));
  return { ...Object.fromEntries(taken), TableName: name };
}
