import { RemovalPolicy } from 'aws-cdk-lib';
import { AttributeType, BillingMode, ProjectionType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';
import { LEDGER_TABLE } from '../lambdas/ledger/record.ts';
import { stackOutputs } from './outputs.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import type { Stage } from './stage-schema.ts';

/**
 * Point-in-time recovery, in days; DynamoDB allows 35. Long enough to notice a wrong command, and short enough that deleted
 * data, above all a learner's, leaves the backup within a week.
 */
const RECOVERY_DAYS = 7;

const text = (name: string) => ({ name, type: AttributeType.STRING });

/**
 * The state of every webhook; `LEDGER_TABLE` defines the keys. Capacity is on demand, for bursts of the LMS and no cost
 * without traffic. Encrypted with the AWS managed key for DynamoDB, so readers need permissions on the table only.
 */
export class Ledger extends Construct {
  private readonly table: Table;
  private readonly settings: Stage['ledger'];

  constructor(scope: Construct, id: string, stage: Stage) {
    super(scope, id);
    this.settings = stage.ledger;
    const { partitionKey, sortKey, expiry, index } = LEDGER_TABLE;
    this.table = new Table(this, 'Table', {
      partitionKey: text(partitionKey),
      sortKey: text(sortKey),
      timeToLiveAttribute: expiry,
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.AWS_MANAGED,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true, recoveryPeriodInDays: RECOVERY_DAYS },
      deletionProtection: stage.retain,
      // Unlike `removal.ts`: the rollback of a first deploy would try to delete the protected table, fail, and leave the stack
      // in ROLLBACK_FAILED. A retained empty table does no harm, since its name is generated.
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
        'State of every webhook: ./ltw ledger reads it, ./ltw replay resends its events',
      ],
      LedgerPayloadDays: [
        String(this.settings.payloadDays),
        'Days for which the ledger stores events and the beginnings of error responses',
      ],
      LedgerFactsDays: [String(this.settings.factsDays), 'Days for which it stores everything else'],
    });
  }

  /**
   * Lets a function record accepted events, claim and settle webhooks by id and read the timers of their users, without
   * listing. `BatchWriteItem` includes deletions, independently of `DeleteItem`: IAM has no narrower action.
   * `PartiQLInsert` is what `BatchExecuteStatement` needs for an `INSERT`, and allows no other statement.
   *
   * For functions that continue without the table.
   */
  grantDeliver(fn: PipelineFunction): void {
    this.grant(fn, ['BatchGetItem', 'BatchWriteItem', 'GetItem', 'PartiQLInsert', 'PutItem']);
    const { failuresToOpen, openSeconds, slowMilliseconds } = this.settings.breaker;
    fn.setVariable('LEDGER_FAILURES_TO_OPEN', String(failuresToOpen));
    fn.setVariable('LEDGER_OPEN_SECONDS', String(openSeconds));
    fn.setVariable('LEDGER_SLOW_MILLISECONDS', String(slowMilliseconds));
  }

  /** Lets a function settle single webhooks by id. */
  grantSettle(fn: PipelineFunction): void {
    this.grant(fn, ['GetItem', 'PutItem']);
  }

  /** Lets a function list everything, change single webhooks, and write and delete entries of open ones in batches. */
  grantReconcile(fn: PipelineFunction): void {
    this.grant(fn, ['BatchGetItem', 'GetItem', 'PutItem', 'Query']);
    fn.allow(['dynamodb:BatchWriteItem'], [this.table.tableArn], {
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': LEDGER_TABLE.openPartitions },
    });
    this.grantListFailures(fn);
  }

  /** Lets a function query the index of webhooks and timers, but not the table. */
  grantListFailures(fn: PipelineFunction): void {
    fn.setVariable('LEDGER_TABLE_NAME', this.table.tableName);
    fn.allow(['dynamodb:Query'], [`${this.table.tableArn}/index/${LEDGER_TABLE.index.name}`]);
  }

  /** Lets a function read and write the progress of sweeps, and no other item. */
  grantSweep(fn: PipelineFunction): void {
    fn.setVariable('LEDGER_TABLE_NAME', this.table.tableName);
    fn.allow(['dynamodb:GetItem', 'dynamodb:PutItem'], [this.table.tableArn], {
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [LEDGER_TABLE.sweepPartition] },
    });
  }

  /** Lets a function store which certificates were announced, and write no other item. */
  grantAnnounceExpiry(fn: PipelineFunction): void {
    fn.setVariable('LEDGER_TABLE_NAME', this.table.tableName);
    fn.allow(['dynamodb:PutItem'], [this.table.tableArn], {
      'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [LEDGER_TABLE.expiryPartition] },
    });
  }

  private grant(fn: PipelineFunction, operations: readonly string[]): void {
    fn.setVariable('LEDGER_TABLE_NAME', this.table.tableName);
    fn.setVariable('LEDGER_PAYLOAD_DAYS', String(this.settings.payloadDays));
    fn.setVariable('LEDGER_FACTS_DAYS', String(this.settings.factsDays));
    fn.allow(
      operations.map((operation) => `dynamodb:${operation}`),
      [this.table.tableArn],
    );
  }
}
