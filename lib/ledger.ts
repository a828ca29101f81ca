import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { LEDGER_TABLE } from '../lambdas/ledger/record.ts';
import { stackOutputs } from './outputs.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import type { Stage } from './stage-schema.ts';

/**
 * How far back the table can be restored, in days; DynamoDB allows 35. Time enough to notice a command that went wrong,
 * and what was deleted for good, a learner's data above all, is gone from the backup a week later.
 */
const RECOVERY_DAYS = 7;

const text = (name: string) => ({ name, type: AttributeType.STRING });

/**
 * What became of every webhook, keyed as the contract says. On demand: it must take whatever the LMS publishes in a
 * burst, and costs nothing while nothing is published.
 *
 * Encrypted under the account's key for DynamoDB, of which a reader needs no grant: IAM decides on the table alone.
 */
export class Ledger extends Construct {
  private readonly table: Table;
  /** How long it holds what, and when it is left alone. */
  private readonly held: Stage['ledger'];

  constructor(scope: Construct, id: string, stage: Stage) {
    super(scope, id);
    this.held = stage.ledger;
    const { partitionKey, sortKey, expiry, index } = LEDGER_TABLE;
    this.table = new Table(this, 'Table', {
      partitionKey: text(partitionKey),
      sortKey: text(sortKey),
      timeToLiveAttribute: expiry,
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true, recoveryPeriodInDays: RECOVERY_DAYS },
      deletionProtection: stage.retain,
      // Not as `removal.ts` has it: the rollback of a first deploy would attempt to delete the protected table, fail, and leave the
      // stack at ROLLBACK_FAILED. An empty table without a name of its own stands in nothing's way.
      removalPolicy: stage.retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY,
    });
    this.table.addGlobalSecondaryIndex({
      indexName: index.name,
      partitionKey: text(index.partitionKey),
      sortKey: text(index.sortKey),
      projectionType: ProjectionType.INCLUDE,
      nonKeyAttributes: [...index.attributes],
    });
    stackOutputs(this, {
      LedgerTableName: [
        this.table.tableName,
        'What became of every webhook: ./ltw ledger reads it, ./ltw replay sends again what it holds',
      ],
      LedgerPayloadDays: [String(this.held.payloadDays), 'So long the ledger holds events and how refusals begin'],
      LedgerFactsDays: [String(this.held.factsDays), 'So long it holds the facts without them'],
    });
  }

  /** Lets a function write down what it accepts, and ask which of it is known. */
  grantAccept(fn: PipelineFunction): void {
    this.grant(fn, ['BatchGetItem', 'BatchWriteItem', 'GetItem', 'PutItem']);
    this.setBreaker(fn);
  }

  /**
   * Lets a function claim and settle webhooks whose ids it has, and read the timers of their users; it can list none.
   * The permission for `BatchWriteItem` covers deletions too, whatever is said of `DeleteItem`: IAM has nothing narrower.
   */
  grantDeliver(fn: PipelineFunction): void {
    this.grant(fn, ['BatchGetItem', 'BatchWriteItem', 'GetItem', 'PutItem']);
    this.setBreaker(fn);
  }

  /** Lets a function settle one webhook at a time, whose id it has. */
  grantSettle(fn: PipelineFunction): void {
    this.grant(fn, ['GetItem', 'PutItem']);
  }

  /** Lets a function list everything, and change one webhook at a time. */
  grantReconcile(fn: PipelineFunction): void {
    this.grant(fn, ['BatchGetItem', 'GetItem', 'PutItem', 'Query']);
    fn.allow(['dynamodb:Query'], [`${this.table.tableArn}/index/${LEDGER_TABLE.index.name}`]);
  }

  /** Lets a function list what the index holds of webhooks and timers, and nothing of the table itself. */
  grantListFailures(fn: PipelineFunction): void {
    fn.setVariable('LEDGER_TABLE_NAME', this.table.tableName);
    fn.allow(['dynamodb:Query'], [`${this.table.tableArn}/index/${LEDGER_TABLE.index.name}`]);
  }

  /** Lets a function read and write how far the sweeps have come, and no other item. */
  grantSweep(fn: PipelineFunction): void {
    fn.setVariable('LEDGER_TABLE_NAME', this.table.tableName);
    fn.allow(['dynamodb:GetItem', 'dynamodb:PutItem'], [this.table.tableArn], {
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [LEDGER_TABLE.sweepPartition] },
    });
  }

  /** For functions that go on without the table. */
  private setBreaker(fn: PipelineFunction): void {
    const { failuresToOpen, openSeconds, slowMilliseconds } = this.held.breaker;
    fn.setVariable('LEDGER_FAILURES_TO_OPEN', String(failuresToOpen));
    fn.setVariable('LEDGER_OPEN_SECONDS', String(openSeconds));
    fn.setVariable('LEDGER_SLOW_MILLISECONDS', String(slowMilliseconds));
  }

  private grant(fn: PipelineFunction, operations: readonly string[]): void {
    fn.setVariable('LEDGER_TABLE_NAME', this.table.tableName);
    fn.setVariable('LEDGER_PAYLOAD_DAYS', String(this.held.payloadDays));
    fn.setVariable('LEDGER_FACTS_DAYS', String(this.held.factsDays));
    fn.allow(
      operations.map((operation) => `dynamodb:${operation}`),
      [this.table.tableArn],
    );
  }
}
