import { Aws, type CfnElement, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import {
  type CfnStateMachine,
  DefinitionBody,
  LogLevel,
  StateMachine,
  StateMachineType,
} from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { MAX_EXECUTION_DAYS } from '../lambdas/events/delivery.ts';
import { ExecutionKey } from './execution-key.ts';
import { stackOutputs } from './outputs.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import { retryWorkflowDefinition, type WorkflowParts } from './retry-workflow-definition.ts';
import type { Stage } from './stage-schema.ts';
import { wildcardFinding } from './wildcard-finding.ts';

/**
 * Longest life of an execution: longer than the longest retry policy that an integration may have, and 72 hours in which its
 * function does not run. The policy's 10 waits of a day, each 10% longer at worst, are 11 days. Each of its 11 attempts may take
 * 340 s, and be preceded by 1, 2, 4 … 32 minutes asleep, 10% longer too: 1 h and 13 h. With the retries of enrichment that is
 * 11.7 days, and 14.7 with the 72 hours; the rest is for faults of ours that pass, and for slots reserved under a rate limit.
 * A scheduled event waits for 7 days at most, and has a policy of hours. What still runs then, the rescue dead-letters.
 */
const EXECUTION_TIMEOUT = Duration.days(MAX_EXECUTION_DAYS);

export interface RetryWorkflowProps extends WorkflowParts {
  readonly stage: Stage;
}

/**
 * Carries the deliveries that must wait, retry or fall back: about one in a hundred. A Standard workflow, billed by
 * transition, since nothing else survives any process dying. Failed, timed out and aborted executions mean a fault of
 * ours; `rescue.ts` picks them up.
 */
export class RetryWorkflow extends Construct {
  readonly stateMachine: StateMachine;
  private readonly key: ExecutionKey;

  constructor(scope: Construct, id: string, { stage, ...parts }: RetryWorkflowProps) {
    super(scope, id);
    const stateMachineName = `learning-time-webhooks-${stage.name}`;
    this.key = new ExecutionKey(this, 'Key', { stage, stateMachineName });
    this.stateMachine = new StateMachine(this, 'StateMachine', {
      stateMachineName,
      stateMachineType: StateMachineType.STANDARD,
      definitionBody: DefinitionBody.fromChainable(retryWorkflowDefinition(this, parts)),
      timeout: EXECUTION_TIMEOUT,
      encryptionConfiguration: this.key.encryption,
      tracingEnabled: true,
      logs: {
        // Under this prefix Step Functions' log delivery needs no resource policy, of which an account has ten.
        destination: new LogGroup(this, 'Logs', {
          logGroupName: `/aws/vendedlogs/states/${stateMachineName}`,
          retention: stage.logRetentionDays as RetentionDays,
          removalPolicy: RemovalPolicy.DESTROY,
        }),
        level: LogLevel.ERROR,
        // Deliveries hold learners' data: encrypted in the execution, they would stand in the log in plain.
        includeExecutionData: false,
      },
    });
    parts.deadLetters.grantSendMessages(this.stateMachine);
    this.acknowledge([parts.enrichTask, parts.deliverTask]);
    stackOutputs(this, {
      RetryWorkflowArn: [this.stateMachine.stateMachineArn, 'What waits or is tried again: its running executions'],
    });
  }

  /** Lets a function start executions, for which a caller needs nothing of the key. */
  grantStart(fn: PipelineFunction): void {
    fn.setVariable('STATE_MACHINE_ARN', this.stateMachine.stateMachineArn);
    fn.allow(['states:StartExecution'], [this.stateMachine.stateMachineArn]);
  }

  /** Lets a function read executions, their input included. */
  grantDescribe(fn: PipelineFunction): void {
    const resource = this.stateMachine.node.defaultChild as CfnStateMachine;
    const prefix = `arn:${Aws.PARTITION}:states:${Aws.REGION}:${Aws.ACCOUNT_ID}:execution`;
    fn.allow(['states:DescribeExecution'], [`${prefix}:${resource.attrName}:*`]);
    this.key.grantDescribe(fn);
    Validations.of(fn).acknowledge({
      id: wildcardFinding(
        `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<${logicalId(resource)}.Name>:*`,
      ),
      reason: 'Executions are named by what they carry: all of this one state machine, and no other.',
    });
  }

  private acknowledge(tasks: readonly PipelineFunction[]): void {
    Validations.of(this.stateMachine).acknowledge(
      {
        id: 'AwsSolutions::AwsSolutions-SF1',
        reason: 'The execution history holds every event for 90 days; the log is for what failed.',
      },
      { id: wildcardFinding('*'), reason: 'X-Ray and the delivery of logs take no resource.' },
      ...tasks.map(({ lambda }) => ({
        id: wildcardFinding(`<${logicalId(lambda.node.defaultChild as CfnElement)}.Arn>:*`),
        reason: 'CDK grants a task all versions of its function; there is one.',
      })),
    );
  }
}

function logicalId(element: CfnElement): string {
  return Stack.of(element).getLogicalId(element);
}
