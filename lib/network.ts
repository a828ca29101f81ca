import { Fn, RemovalPolicy, Tags, Validations } from 'aws-cdk-lib';
import {
  CfnEIP,
  CfnNatGateway,
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  type IVpc,
  NatProvider,
  type SubnetSelection,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { DEFAULT_ZONES } from './availability-zones.ts';
import { stackOutputs } from './outputs.ts';
import { removalPolicy } from './removal.ts';
import type { Stage } from './stage-schema.ts';

/**
 * A small network for what must speak to the cache, the warehouse or partners: two or three zones, and NAT gateways with addresses
 * that the stack allocates by itself, apart from the gateways: they stay the same when a gateway is replaced.
 *
 * DynamoDB has a gateway endpoint, which costs nothing, so that the ledger's traffic passes no NAT gateway, and goes on
 * without one. S3 would have one too, but nothing in here speaks to it; interface endpoints for SQS, AppConfig, Secrets
 * Manager and Step Functions would cost $7 a month each and zone, for what passes the NAT gateway at $0.045 a gigabyte.
 */
export class Network extends Construct {
  readonly vpc: IVpc;
  readonly natGatewayIds: readonly string[];
  private readonly addresses: readonly CfnEIP[];

  constructor(scope: Construct, id: string, stage: Stage) {
    super(scope, id);
    this.addresses = Array.from({ length: stage.network.natGateways }, (_, at) => this.address(at + 1, stage));
    const vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr('10.0.0.0/20'),
      // The stack names them.
      maxAzs: stage.network.availabilityZones?.length ?? DEFAULT_ZONES,
      natGateways: stage.network.natGateways,
      natGatewayProvider: NatProvider.gateway({
        eipAllocationIds: this.addresses.map(({ attrAllocationId }) => attrAllocationId),
      }),
      subnetConfiguration: [
        { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 26, mapPublicIpOnLaunch: false },
        { name: 'private', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 22 },
      ],
      // Would bring a function of CDK's own that may change security groups; nothing of ours is in the default group.
      restrictDefaultSecurityGroup: false,
    });
    if (stage.network.availabilityZones !== undefined) {
      Validations.of(vpc).acknowledge({
        id: 'CloudFormation-Validate::W3010',
        reason: 'An operator has chosen these zones, since others lack what the stack needs.',
      });
    }
    vpc.addGatewayEndpoint('DynamoDb', {
      service: GatewayVpcEndpointAwsService.DYNAMODB,
      subnets: [{ subnetType: SubnetType.PRIVATE_WITH_EGRESS }],
    });
    // Refused traffic only: what is accepted is the pipeline's own, in its logs and traces.
    vpc.addFlowLog('Refused', {
      trafficType: FlowLogTrafficType.REJECT,
      destination: FlowLogDestination.toCloudWatchLogs(
        new LogGroup(this, 'RefusedLogs', {
          retention: stage.logRetentionDays as RetentionDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
      ),
    });
    this.natGatewayIds = vpc.node
      .findAll()
      .filter((each) => each instanceof CfnNatGateway)
      .map(({ attrNatGatewayId }) => attrNatGatewayId);
    // Under exactOptionalPropertyTypes CDK's class does not quite fit its own interface.
    this.vpc = vpc as IVpc;
    stackOutputs(this, {
      EgressAddresses: [
        Fn.join(
          ',',
          this.addresses.map(({ attrPublicIp }) => attrPublicIp),
        ),
        'Every request comes from these: for partners’ allow-lists and the Snowflake user’s network policy',
      ],
    });
  }

  /** Where functions stand. Each gets a security group of its own; they may call anyone, since partners are anywhere. */
  get placement(): { vpc: IVpc; vpcSubnets: SubnetSelection } {
    return { vpc: this.vpc, vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS } };
  }

  /** Partners and Snowflake's network policies know it: losing one is a letter to each of them. */
  private address(number: number, stage: Stage): CfnEIP {
    const address = new CfnEIP(this, `Egress${number}`, { domain: 'vpc' });
    address.applyRemovalPolicy(removalPolicy(stage));
    Tags.of(address).add('Name', `learning-time-webhooks-${stage.name}-egress-${number}`);
    return address;
  }
}
