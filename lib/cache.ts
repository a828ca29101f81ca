import { Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnServerlessCache } from 'aws-cdk-lib/aws-elasticache';
import { Construct } from 'constructs';
import type { Network } from './network.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import type { Stage } from './stage-schema.ts';

/** Serverless Valkey listens on both: 6379, and 6380 for reads from replicas, to which a client may be sent. */
const VALKEY_PORTS = Port.tcpRange(6379, 6380);

/**
 * Serverless Valkey, from 100 MB, about $6 a month: the warehouse's answers, and what the functions that deliver must know
 * of each other, above all every integration's rate limit and breaker. Without users: it holds seconds by ids, times and
 * counts by integration, and is reached from the functions' security groups only.
 */
export class Cache extends Construct {
  private readonly cache: CfnServerlessCache;
  private readonly securityGroup: SecurityGroup;
  private readonly tls: boolean;

  constructor(scope: Construct, id: string, { stage, network }: { readonly stage: Stage; readonly network: Network }) {
    super(scope, id);
    this.tls = stage.cacheTls;
    this.securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: network.vpc,
      description: 'Learning-time cache: reached by the functions that enrich and those that deliver',
      allowAllOutbound: false,
    });
    this.cache = new CfnServerlessCache(this, 'Valkey', {
      engine: 'valkey',
      majorEngineVersion: '8',
      serverlessCacheName: `learning-time-${stage.name}`,
      description: 'Learning time by learner, course and enterprise, rate limits and breakers by integration',
      cacheUsageLimits: {
        dataStorage: { maximum: stage.cache.maxStorageGigabytes, unit: 'GB' },
        ecpuPerSecond: { maximum: stage.cache.maxEcpuPerSecond },
      },
      securityGroupIds: [this.securityGroup.securityGroupId],
      subnetIds: network.vpc.selectSubnets(network.placement.vpcSubnets).subnetIds,
    });
  }

  /** Lets a function read and write. */
  grantUse(fn: PipelineFunction): void {
    fn.setVariable('CACHE_HOST', this.cache.attrEndpointAddress);
    fn.setVariable('CACHE_PORT', this.cache.attrEndpointPort);
    fn.setVariable('CACHE_TLS', String(this.tls));
    this.securityGroup.connections.allowFrom(fn, VALKEY_PORTS);
  }
}
