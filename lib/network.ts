import { Fn, Tags, Validations } from 'aws-cdk-lib';
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
import { Construct } from 'constructs';
import { DEFAULT_ZONES } from './availability-zones.ts';
import { logGroup } from './log-group.ts';
import { stackOutputs } from './outputs.ts';
import { removalPolicy } from './removal.ts';
import type { Stage } from './stage-schema.ts';

/**
 * A small VPC for functions that call the cache, the warehouse or partners: two or three zones, and NAT gateways. The stack
 * allocates the gateways' addresses separately, so that they do not change when a gateway is replaced.
 *
 * DynamoDB has a gateway endpoint, which is free, so the ledger does not depend on a NAT gateway. Nothing here calls S3.
 * Interface endpoints for SQS, AppConfig, Secrets Manager and Step Functions would cost $7 a month per service and zone, for
 * traffic that the NAT gateway carries at $0.045 a gigabyte.
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
      // `LearningTimeStack.availabilityZones` names them.
      maxAzs: stage.network.availabilityZones?.length ?? DEFAULT_ZONES,
      natGateways: stage.network.natGateways,
      natGatewayProvider: NatProvider.gateway({
        eipAllocationIds: this.addresses.map(({ attrAllocationId }) => attrAllocationId),
      }),
      subnetConfiguration: [
        { name: 'public', subnetType: SubnetType.PUBLIC, cidrMask: 26, mapPublicIpOnLaunch: false },
        { name: 'private', subnetType: SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 22 },
      ],
      // It would add a CDK function that may change security groups; nothing uses the default group.
      restrictDefaultSecurityGroup: false,
    });
    if (stage.network.availabilityZones !== undefined) {
      Validations.of(vpc).acknowledge({
        id: 'CloudFormation-Validate::W3010',
        reason: 'An operator chose these zones, since others lack services that the stack needs.',
      });
    }
    vpc.addGatewayEndpoint('DynamoDb', {
      service: GatewayVpcEndpointAwsService.DYNAMODB,
      subnets: [{ subnetType: SubnetType.PRIVATE_WITH_EGRESS }],
    });
    // Rejected traffic only: accepted traffic is in the pipeline's logs and traces.
    vpc.addFlowLog('Refused', {
      trafficType: FlowLogTrafficType.REJECT,
      destination: FlowLogDestination.toCloudWatchLogs(logGroup(this, 'RefusedLogs', stage)),
    });
    this.natGatewayIds = vpc.node
      .findAll()
      .filter((each) => each instanceof CfnNatGateway)
      .map(({ attrNatGatewayId }) => attrNatGatewayId);
    // Under exactOptionalPropertyTypes CDK's class is not assignable to its interface.
    this.vpc = vpc as IVpc;
    stackOutputs(this, {
      EgressAddresses: [
        Fn.join(
          ',',
          this.addresses.map(({ attrPublicIp }) => attrPublicIp),
        ),
        'Source addresses of all requests: for partners’ allowlists and the Snowflake user’s network policy',
      ],
    });
  }

  /** For functions. Each gets its own security group with open egress, since partners' addresses are unknown. */
  get placement(): { vpc: IVpc; vpcSubnets: SubnetSelection } {
    return { vpc: this.vpc, vpcSubnets: { subnetType: SubnetType.PRIVATE_WITH_EGRESS } };
  }

  /** Partners and Snowflake's network policies list it, so a lost address has to be announced to each of them. */
  private address(number: number, stage: Stage): CfnEIP {
    const address = new CfnEIP(this, `Egress${number}`, { domain: 'vpc' });
    address.applyRemovalPolicy(removalPolicy(stage));
    Tags.of(address).add('Name', `learning-time-webhooks-${stage.name}-egress-${number}`);
    return address;
  }
}
