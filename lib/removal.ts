import { RemovalPolicy } from 'aws-cdk-lib';
import type { Stage } from './stage-schema.ts';

/**
 * What becomes of things that hold data or are known to others (queues, secrets, addresses, the key) when they leave the
 * stack, or it is deleted. In a stage that retains, they stay; but not where the operation that made them is rolled back:
 * they are empty then, and a secret's name or the account's limit of addresses would stop the next attempt.
 *
 * After the stack was deleted, what has a name of its own (the secrets) must be imported or removed before a stack of that
 * stage can be made again.
 */
export function removalPolicy({ retain }: Pick<Stage, 'retain'>): RemovalPolicy {
  return retain ? RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE : RemovalPolicy.DESTROY;
}
