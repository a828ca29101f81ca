import { RemovalPolicy } from 'aws-cdk-lib';
import type { Stage } from './stage-schema.ts';

/**
 * What becomes of things that hold data or are known to others (queues, the ledger, secrets, addresses, the key) when they leave the
 * stack, or it is deleted. Where they stay, what has a name of its own (the secret) must be imported or removed before a
 * stack of that stage can be made anew.
 */
export function removalPolicy({ retain }: Pick<Stage, 'retain'>): RemovalPolicy {
  return retain ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
}
