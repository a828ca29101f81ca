import { RemovalPolicy } from 'aws-cdk-lib';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Stage } from './stage-schema.ts';

/**
 * A log group that is deleted with the stack.
 *
 * @param vendedTo suffix of `/aws/vendedlogs/`, with which a service's log delivery needs no resource policy, of which an
 *   account may have ten; absent: a generated name
 */
export function logGroup(scope: Construct, id: string, { logRetentionDays }: Stage, vendedTo?: string): LogGroup {
  return new LogGroup(scope, id, {
    ...(vendedTo !== undefined && { logGroupName: `/aws/vendedlogs/${vendedTo}` }),
    retention: logRetentionDays as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
}
