import { QueryDefinition, QueryString } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { METRICS } from '../lambdas/shared/metric-definitions.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import type { Stage } from './stage-schema.ts';

interface SavedQuery {
  /** Under the stage's folder in Logs Insights. */
  readonly name: string;
  readonly of: 'all' | 'enrichment' | 'delivery';
  readonly fields?: readonly string[];
  readonly filter: readonly string[];
  readonly parse?: string;
  readonly stats?: readonly string[];
  readonly sort?: string;
}

const DURATION = `coalesce(\`${METRICS.queryDuration}\`, \`${METRICS.queryDuration}.0\`)`;
const LATEST_FIRST = '@timestamp desc';

/** For monitoring and troubleshooting (requirement F4). */
const QUERIES: readonly SavedQuery[] = [
  {
    name: 'one webhook, from event to response (insert its id)',
    of: 'all',
    fields: ['@timestamp', 'service', 'message', 'outcome', 'response', 'enrichment', 'duration_ms', 'due_at'],
    // Log lines of a batch list all of its webhooks.
    filter: ['@message like /wh_PUT_THE_ID_HERE/'],
    sort: '@timestamp asc',
  },
  {
    name: 'enrichment failures',
    of: 'enrichment',
    fields: ['@timestamp', 'message', 'error', 'error_message', 'events', 'webhook_id'],
    filter: [
      'message in ["warehouse.failed", "warehouse.skipped", "warehouse.row_unreadable", "workflow.start_failed"]',
    ],
    sort: LATEST_FIRST,
  },
  {
    name: 'Snowflake failures by code',
    of: 'enrichment',
    filter: ['message = "warehouse.failed"'],
    parse: 'error_message /code (?<code>[0-9A-Za-z_]+)/',
    stats: ['count(*) as failures by code'],
  },
  {
    name: 'Snowflake query duration',
    of: 'enrichment',
    // EMF logs a single value as a number, several values as a list.
    filter: [`ispresent(${DURATION})`],
    stats: [`pct(${DURATION}, 50) as p50, pct(${DURATION}, 95) as p95, count(*) as queries by bin(5m)`],
  },
  {
    name: 'cache hit rate',
    of: 'enrichment',
    filter: [`ispresent(\`${METRICS.cacheHit}\`)`],
    stats: [
      `100 * sum(\`${METRICS.cacheHit}\`) / (sum(\`${METRICS.cacheHit}\`) + sum(\`${METRICS.cacheMiss}\`)) as hit_rate by bin(5m)`,
    ],
  },
  {
    name: 'webhooks without learning time, by reason',
    of: 'delivery',
    filter: ['message = "delivery.attempted"', 'outcome = "delivered"', 'enrichment not like /^enriched/'],
    stats: ['count(*) as webhooks by enrichment, integration_id'],
  },
  {
    name: 'responses of partners',
    of: 'delivery',
    filter: ['message = "delivery.attempted"'],
    stats: ['count(*) as attempts, pct(duration_ms, 95) as p95_ms by integration_id, response'],
    sort: 'attempts desc',
  },
  {
    name: 'slow attempts',
    of: 'delivery',
    fields: ['@timestamp', 'integration_id', 'webhook_id', 'duration_ms', 'response', 'timings.connectMs'],
    filter: ['message = "delivery.attempted"', 'duration_ms > 2000'],
    sort: 'duration_ms desc',
  },
  {
    name: 'rejected events and dead-lettered webhooks',
    of: 'all',
    fields: ['@timestamp', 'message', 'integration_id', 'webhook_id', 'reason', 'response'],
    filter: [
      'message in ["event.rejected", "delivery.rejected"] or (message = "delivery.attempted" and outcome = "dead")',
    ],
    sort: LATEST_FIRST,
  },
  {
    name: 'errors and warnings by kind',
    of: 'all',
    filter: ['level in ["ERROR", "WARN"]'],
    stats: ['count(*) as lines by service, message'],
    sort: 'lines desc',
  },
];

/** Saved queries for operators in Logs Insights. */
export class SavedQueries extends Construct {
  constructor(
    scope: Construct,
    id: string,
    {
      stage,
      functions,
    }: { readonly stage: Stage; readonly functions: Readonly<Record<SavedQuery['of'], readonly PipelineFunction[]>> },
  ) {
    super(scope, id);
    QUERIES.forEach(({ name, of, fields, filter, parse, stats, sort }, index) => {
      new QueryDefinition(this, `Query${index + 1}`, {
        queryDefinitionName: `learning-time-webhooks-${stage.name}/${name}`,
        logGroups: functions[of].map(({ logGroup }) => logGroup),
        queryString: new QueryString({
          ...(fields !== undefined && { fields: [...fields], limit: 200 }),
          filterStatements: [...filter],
          ...(parse !== undefined && { parseStatements: [parse] }),
          ...(stats !== undefined && { statsStatements: [...stats] }),
          ...(sort !== undefined && { sort }),
        }),
      });
    });
  }
}
