import { Duration, Validations } from 'aws-cdk-lib';
import type { Connections, IConnectable } from 'aws-cdk-lib/aws-ec2';
import { type Conditions, Effect, Policy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Architecture, Function as LambdaFunction, RecursiveLoop, Runtime, Tracing } from 'aws-cdk-lib/aws-lambda';
import { SqsEventSource } from 'aws-cdk-lib/aws-lambda-event-sources';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { EnvironmentName } from '../lambdas/shared/environment.ts';
import { metricsNamespace } from '../lambdas/shared/metric-definitions.ts';
import { type CodeBase, entryOf, type FunctionName } from './function-code.ts';
import type { FunctionSize } from './function-size.ts';
import { logGroup } from './log-group.ts';
import type { EventSource, Stage } from './stage-schema.ts';
import { wildcardFinding } from './wildcard-finding.ts';

export interface PipelineFunctionProps {
  readonly codeBase: CodeBase;
  /**
   * Functions that call the cache, the warehouse or partners run in the VPC, with the NAT gateways' addresses. Functions that
   * call AWS only do not.
   */
  readonly inVpc: boolean;
  /**
   * The function sends messages to the queue that invokes it. Without permission Lambda stops such a loop after 16 invocations
   * of one chain (Lambda Developer Guide, "Recursive loop detection").
   */
  readonly resendsToOwnQueue?: boolean;
}

/** Variables that runtimes and SDKs read; ours are in `lambdas/shared/environment.ts`. */
type RuntimeVariable =
  | 'NODE_OPTIONS'
  | 'SNOWFLAKE_DISABLE_PLATFORM_DETECTION'
  | 'SNOWFLAKE_DISABLE_MINICORE'
  | 'SF_TELEMETRY_DISABLE_CONNECTION_SHAPE'
  | 'UV_THREADPOOL_SIZE';

/** Lambda uses the function's role to manage its network interfaces, whose ids are not known in advance. */
const NETWORK_INTERFACE_ACTIONS = [
  'ec2:AssignPrivateIpAddresses',
  'ec2:CreateNetworkInterface',
  'ec2:DeleteNetworkInterface',
  'ec2:DescribeNetworkInterfaces',
  'ec2:DescribeSubnets',
  'ec2:UnassignPrivateIpAddresses',
];

/** A function with its own role and log group. The construct that owns a resource grants access to it. */
export class PipelineFunction extends Construct implements IConnectable {
  readonly lambda: LambdaFunction;
  readonly logGroup: LogGroup;
  readonly size: FunctionSize;

  constructor(scope: Construct, id: FunctionName, props: PipelineFunctionProps) {
    super(scope, id);
    const { codeBase, inVpc, resendsToOwnQueue = false } = props;
    const { stage, network, name, code } = codeBase;
    this.size = stage.functions[sizeKey(id)];
    const { timeoutSeconds, memoryMegabytes, reservedConcurrency } = this.size;
    const role = new Role(this, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
    this.logGroup = logGroup(this, 'Logs', stage);
    this.logGroup.grantWrite(role);
    if (inVpc) {
      role.addToPolicy(new PolicyStatement({ actions: NETWORK_INTERFACE_ACTIONS, resources: ['*'] }));
    }
    this.lambda = new LambdaFunction(this, 'Function', {
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      code,
      handler: `${entryOf(id)}.handler`,
      role,
      logGroup: this.logGroup,
      timeout: Duration.seconds(timeoutSeconds),
      memorySize: memoryMegabytes,
      tracing: Tracing.ACTIVE,
      ...(resendsToOwnQueue && { recursiveLoop: RecursiveLoop.ALLOW }),
      ...(reservedConcurrency !== undefined && { reservedConcurrentExecutions: reservedConcurrency }),
      ...(inVpc && network.placement),
    });
    if (inVpc) {
      this.denyNetworkCallsByCode(role);
      // If a host has several addresses, Node's default timeout per address is 250 ms, too short for a distant warehouse and a
      // lost packet. The VPC has no IPv6, so the connection would fail if an IPv6 address came last. The Snowflake SDK has no
      // option for the timeout.
      const attemptMs = 2_000 * stage.ioDeadlineFactor;
      this.setVariable('NODE_OPTIONS', `--network-family-autoselection-attempt-timeout=${attemptMs}`);
    }
    this.setVariable('POWERTOOLS_SERVICE_NAME', name);
    this.setVariable('POWERTOOLS_METRICS_NAMESPACE', metricsNamespace(stage.name));
    this.setVariable('IO_DEADLINE_FACTOR', String(stage.ioDeadlineFactor));
    Validations.of(role).acknowledge({
      id: wildcardFinding('*'),
      reason: 'X-Ray, the reading of metrics and, in a VPC, the network interface calls take no resource.',
    });
  }

  get connections(): Connections {
    return this.lambda.connections;
  }

  /**
   * Only Lambda itself needs the network calls; code in the function is denied them (Lambda Developer Guide, "Giving Lambda
   * functions access to resources in an Amazon VPC"). A separate policy, since this one refers to the function, which depends
   * on the role's default policy.
   */
  private denyNetworkCallsByCode(role: Role): void {
    new Policy(this, 'NoNetworkCallsByCode', {
      roles: [role],
      statements: [
        new PolicyStatement({
          effect: Effect.DENY,
          actions: NETWORK_INTERFACE_ACTIONS,
          resources: ['*'],
          conditions: { ArnEquals: { 'lambda:SourceFunctionArn': this.lambda.functionArn } },
        }),
      ],
    });
  }

  /** Sets a variable that the handler's schema declares, or that a runtime or SDK reads. */
  setVariable(name: EnvironmentName | RuntimeVariable, value: string): void {
    this.lambda.addEnvironment(name, value);
  }

  allow(actions: readonly string[], resources: readonly string[], conditions: Conditions = {}): void {
    this.lambda.addToRolePolicy(new PolicyStatement({ actions: [...actions], resources: [...resources], conditions }));
  }

  /** Lets the function send to a queue and sets `variable` to its URL. */
  grantSend(queue: IQueue, variable: EnvironmentName): void {
    this.setVariable(variable, queue.queueUrl);
    this.allow(['sqs:SendMessage'], [queue.queueArn]);
  }

  /**
   * Invokes the function with batches of a queue; it may report single messages as failed. Sets `variable` to the queue's URL:
   * the handler extends visibility timeouts, which the event source's permissions include.
   */
  consume(queue: IQueue, variable: EnvironmentName, source: EventSource): void {
    const { batchSize, windowSeconds, maxConcurrency } = source;
    this.setVariable(variable, queue.queueUrl);
    this.lambda.addEventSource(
      new SqsEventSource(queue, {
        batchSize,
        maxBatchingWindow: Duration.seconds(windowSeconds),
        maxConcurrency,
        reportBatchItemFailures: true,
      }),
    );
  }
}

function sizeKey(name: FunctionName): keyof Stage['functions'] {
  return (name.charAt(0).toLowerCase() + name.slice(1)) as keyof Stage['functions'];
}
