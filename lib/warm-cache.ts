import { Duration } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { WarmInput } from '../lambdas/warming/warm-report.ts';
import type { Cache } from './cache.ts';
import type { Configuration } from './configuration.ts';
import type { CodeBase } from './function-code.ts';
import { WARM_INTERVAL_SECONDS } from './function-size.ts';
import { invokeByRules, undeliveredQueue } from './invoked-by-rules.ts';
import { stackOutputs } from './outputs.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { Warehouse } from './warehouse.ts';

export interface WarmCacheProps {
  readonly codeBase: CodeBase;
  readonly configuration: Configuration;
  readonly cache: Cache;
  readonly warehouse: Warehouse;
}

/**
 * Loads learning times into the cache after each change of the warehouse's table. Operators invoke it too, with their own
 * permissions.
 *
 * The function's timeout is shorter than the interval, so that a run ends before the next one starts. If the stage reserves a
 * concurrency of 1, Lambda throttles a second one and retries it. Without that, two runs at the same time cause cache misses
 * at worst. If the stage switches it off, the function stays, without its schedule.
 */
export class WarmCache extends Construct {
  readonly warm: PipelineFunction;
  /** For runs that could not start or failed; the next run makes up for them. */
  readonly undelivered: Queue;

  constructor(scope: Construct, id: string, { codeBase, configuration, cache, warehouse }: WarmCacheProps) {
    super(scope, id);
    const { enabled, activeDays, maxRows } = codeBase.stage.warmCache;
    this.undelivered = undeliveredQueue(this, codeBase.stage);
    this.warm = new PipelineFunction(this, 'WarmCache', { codeBase, inVpc: true });
    configuration.grantReadFlags(this.warm);
    configuration.grantReadIntegrations(this.warm);
    warehouse.grantQuery(this.warm, 'warm-cache');
    cache.grantLoad(this.warm);
    this.warm.setVariable('WARM_ACTIVE_DAYS', String(activeDays));
    this.warm.setVariable('WARM_MAX_ROWS', String(maxRows));
    const interval = {
      enabled,
      description: 'Loads learning times into the cache if the table or the enabled enterprises have changed',
      schedule: Schedule.rate(Duration.seconds(WARM_INTERVAL_SECONDS)),
      input: {} satisfies WarmInput,
    };
    invokeByRules(this.warm, { Rule: interval }, this.undelivered);
    stackOutputs(this, {
      WarmCacheFunctionName: [
        this.warm.lambda.functionName,
        'Loads the cache after each change of the table: ./ltw warm-cache invokes it with your credentials',
      ],
      WarmCacheEnabled: [String(enabled), 'Whether its schedule is on; ./ltw rollout check then judges the cache hits'],
      WarmCacheDeadLetterQueueUrl: [
        this.undelivered.queueUrl,
        'Failed runs of WarmCache: should stay empty; the next run makes up for them',
      ],
    });
  }
}
