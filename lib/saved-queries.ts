import { QueryDefinition, QueryString } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { METRICS } from '../lambdas/shared/metric-definitions.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import type { Stage } from './stage-schema.ts';

interface SavedQuery {
  /** What it answers, as its name in Logs Insights. */
  readonly asks: string;
  readonly of: 'all' | 'enrichment' | 'delivery';
  readonly fields?: readonly string[];
  readonly filter: readonly string[];
  readonly parse?: string;
  readonly stats?: readonly string[];
  readonly sort?: string;
}

const DURATION = `coalesce(\`${METRICS.queryDuration}\`, \`${METRICS.queryDuration}.0\`)`;
const LATEST_FIRST = '@timestamp desc';

/** The questions of document 000's "Monitoring queries" and "Troubleshooting", and of whoever is on call. */
const QUERIES: readonly SavedQuery[] = [
  {
    asks: 'one webhook, from event to response (put its id in)',
    of: 'all',
    fields: ['@timestamp', 'service', 'message', 'outcome', 'response', 'enrichment', 'duration_ms', 'due_at'],
    // A batch's line names all of its webhooks.
    filter: ['@message like /wh_PUT_THE_ID_HERE/'],
    sort: '@timestamp asc',
  },
  {
    asks: 'enrichment failures',
    of: 'enrichment',
    fields: ['@timestamp', 'message', 'error', 'error_message', 'events', 'webhook_id'],
    filter: [
      'message in ["warehouse.failed", "warehouse.skipped", "warehouse.row_unreadable", "workflow.start_failed"]',
    ],
    sort: LATEST_FIRST,
  },
  {
    asks: 'Snowflake failures by code',
    of: 'enrichment',
    filter: ['message = "warehouse.failed"'],
    parse: 'error_message /code (?<code>[0-9A-Za-z_]+)/',
    stats: ['count(*) as failures by code'],
  },
  {
    asks: 'Snowflake query duration',
    of: 'enrichment',
    // A value alone stands as it is, several as a list.
    filter: [`ispresent(${DURATION})`],
    stats: [`pct(${DURATION}, 50) as p50, pct(${DURATION}, 95) as p95, count(*) as queries by bin(5m)`],
  },
  {
    asks: 'cache hit rate',
    of: 'enrichment',
    filter: [`ispresent(\`${METRICS.cacheHit}\`)`],
    stats: [
      `100 * sum(\`${METRICS.cacheHit}\`) / (sum(\`${METRICS.cacheHit}\`) + sum(\`${METRICS.cacheMiss}\`)) as hit_rate by bin(5m)`,
    ],
  },
  {
    asks: 'why webhooks went out without learning time',
    of: 'delivery',
    filter: ['message = "delivery.attempted"', 'outcome = "delivered"', 'enrichment not like /^enriched/'],
    stats: ['count(*) as webhooks by enrichment, integration_id'],
  },
  {
    asks: 'partners’ answers',
    of: 'delivery',
    filter: ['message = "delivery.attempted"'],
    stats: ['count(*) as attempts, pct(duration_ms, 95) as p95_ms by integration_id, response'],
    sort: 'tries desc',
  },
  {
    asks: 'slow tries',
    of: 'delivery',
    fields: ['@timestamp', 'integration_id', 'webhook_id', 'duration_ms', 'response', 'timings.connectMs'],
    filter: ['message = "delivery.attempted"', 'duration_ms > 2000'],
    sort: 'duration_ms desc',
  },
  {
    asks: 'events and deliveries that were given up',
    of: 'all',
    fields: ['@timestamp', 'message', 'integration_id', 'webhook_id', 'reason', 'response'],
    filter: [
      'message in ["event.rejected", "delivery.rejected"] or (message = "delivery.attempted" and outcome = "dead")',
    ],
    sort: LATEST_FIRST,
  },
  {
    asks: 'errors and warnings by kind',
    of: 'all',
    filter: ['level in ["ERROR", "WARN"]'],
    stats: ['count(*) as lines by service, message'],
    sort: 'lines desc',
  },
];

export interface SavedQueriesProps {
  readonly stage: Stage;
  readonly functions: Readonly<Record<SavedQuery['of'], readonly PipelineFunction[]>>;
}

/** Queries that an operator finds in Logs Insights, under the stage's name. */
export class SavedQueries extends Construct {
  constructor(scope: Construct, id: string, { stage, functions }: SavedQueriesProps) {
    super(scope, id);
    QUERIES.forEach(({ asks, of, fields, filter, parse, stats, sort }, index) => {
      new QueryDefinition(this, `Query${index + 1}`, {
        queryDefinitionName: `learning-time-webhooks-${stage.name}/${asks}`,
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
