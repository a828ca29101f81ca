import { Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { CfnServerlessCache } from 'aws-cdk-lib/aws-elasticache';
import { Construct } from 'constructs';
import type { Network } from './network.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import type { Stage } from './stage-schema.ts';

/** Serverless Valkey listens on 6379, and on 6380 for reads from replicas, to which it may redirect a client. */
const VALKEY_PORTS = Port.tcpRange(6379, 6380);

/**
 * Serverless Valkey, from 100 MB, about $6 a month: learning time from the warehouse, and each integration's rate limit and
 * circuit breaker, which all sending functions share. It has no users: it stores seconds by id, and times and counts by
 * integration, and only the functions' security groups can connect.
 */
export class Cache extends Construct {
  private readonly cache: CfnServerlessCache;
  private readonly securityGroup: SecurityGroup;
  private readonly tls: boolean;
  private readonly maxEcpuPerSecond: number;

  constructor(scope: Construct, id: string, { stage, network }: { readonly stage: Stage; readonly network: Network }) {
    super(scope, id);
    this.tls = stage.cacheTls;
    this.maxEcpuPerSecond = stage.cache.maxEcpuPerSecond;
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

  /** Lets a function load many entries, at half of the cache's rate. */
  grantLoad(fn: PipelineFunction): void {
    this.grantUse(fn);
    fn.setVariable('CACHE_MAX_ECPU_PER_SECOND', String(this.maxEcpuPerSecond));
  }

  /** Lets a function connect. */
  grantUse(fn: PipelineFunction): void {
    fn.setVariable('CACHE_HOST', this.cache.attrEndpointAddress);
    fn.setVariable('CACHE_PORT', this.cache.attrEndpointPort);
    fn.setVariable('CACHE_TLS', String(this.tls));
    this.securityGroup.connections.allowFrom(fn, VALKEY_PORTS);
  }
}
