import { RemovalPolicy } from 'aws-cdk-lib';
import type { Stage } from './stage-schema.ts';

/**
 * The removal policy of resources that hold data or that others know: queues, secrets, addresses, the key. Stages with
 * `retain` keep them when they leave the stack or the stack is deleted. They are deleted if their creation is rolled back: they
 * are empty then, and an existing secret name or the account's limit of addresses would fail the next deploy.
 *
 * After the stack is deleted, the secrets, which have fixed names, must be imported or deleted before the stage can be
 * deployed again.
 */
export function removalPolicy({ retain }: Pick<Stage, 'retain'>): RemovalPolicy {
  return retain ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}
