import { RemovalPolicy } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  FlowLogTrafficType,
  IpAddresses,
  type IVpc,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';

/**
 * A small network for what must speak to the cache, the warehouse or partners: two zones, and one NAT gateway, whose
 * address partners and Snowflake's network policies allow-list. One gateway costs about $33 a month; a second would
 * only help while a whole zone is down, when messages wait in their queues anyway.
 */
export class Network extends Construct {
  readonly vpc: IVpc;

  constructor(scope: Construct, id: string, { logRetentionDays }: { readonly logRetentionDays: number }) {
    super(scope, id);
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.0.0.0/20'),
      maxAzs: 2,
      natGateways: 1,
      subnetConfiguration: [
        { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 26, mapPublicIpOnLaunch: false },
        { name: 'private', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 22 },
      ],
      // Would bring a function of CDK's own that may change security groups; nothing of ours is in the default group.
      restrictDefaultSecurityGroup: false,
    });
    // Refused traffic only: what is accepted is the pipeline's own, in its logs and traces.
    vpc.addFlowLog('Refused', {
      trafficType: FlowLogTrafficType.REJECT,
      destination: FlowLogDestination.toCloudWatchLogs(
        new LogGroup(this, 'RefusedLogs', {
          retention: logRetentionDays as RetentionDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      ),
    });
    // Under exactOptionalPropertyTypes CDK's class does not quite fit its own interface.
    this.vpc = vpc as IVpc;
  }

  /** Where functions stand. Each gets a security group of its own; they may call anyone, since partners are anywhere. */
  get placement(): { vpc: IVpc; vpcSubnets: SubnetSelection } {
    return { vpc: this.vpc, vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS } };
  }
}
