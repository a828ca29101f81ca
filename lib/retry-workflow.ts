import { Aws, type CfnElement, Duration, Stack, Validations } from 'aws-cdk-lib';
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
import { logGroup } from './log-group.ts';
import { stackOutputs } from './outputs.ts';
import type { PipelineFunction } from './pipeline-function.ts';
import { retryWorkflowDefinition, type WorkflowParts } from './retry-workflow-definition.ts';
import type { Stage } from './stage-schema.ts';
import { wildcardFinding } from './wildcard-finding.ts';

/**
 * Longest life of an execution: the longest possible retry policy, plus 72 hours in which its function does not run. The policy's
 * 10 waits of one day, each with up to 10% jitter, are 11 days. Each of its 11 attempts may take 340 s, and may be parked before
 * for 1, 2, 4 … 32 minutes with the same jitter: 1 h and 13 h in total. With the retries of enrichment that is 11.7 days, or 14.7
 * with the 72 hours. The rest is for transient faults, slots reserved under a rate limit, and back-pressure. A scheduled event
 * waits for at most 7 days, with a policy of hours. The rescue dead-letters what is still running after that.
 */
const EXECUTION_TIMEOUT = Duration.days(MAX_EXECUTION_DAYS);

/**
 * Carries the deliveries that must wait, retry or fall back: about one in a hundred. A Standard workflow, billed by transition,
 * because its state survives the end of any process (docs/decisions/0024). Failed, timed-out and aborted executions are caused by
 * our own faults; `rescue.ts` handles them.
 */
export class RetryWorkflow extends Construct {
  readonly stateMachine: StateMachine;
  private readonly key: ExecutionKey;

  constructor(scope: Construct, id: string, { stage, ...parts }: WorkflowParts & { readonly stage: Stage }) {
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
        destination: logGroup(this, 'Logs', stage, `states/${stateMachineName}`),
        level: LogLevel.ERROR,
        // Deliveries contain learners' data, which is encrypted in the execution, but would be readable in the log.
        includeExecutionData: false,
      },
    });
    parts.deadLetters.grantSendMessages(this.stateMachine);
    this.acknowledge([parts.enrichTask, parts.deliverTask]);
    stackOutputs(this, {
      RetryWorkflowArn: [this.stateMachine.stateMachineArn, 'Deliveries that wait or retry are its running executions'],
    });
  }

  /** Lets a function start executions. StartExecution needs no permission for the KMS key. */
  grantStart(fn: PipelineFunction): void {
    fn.setVariable('STATE_MACHINE_ARN', this.stateMachine.stateMachineArn);
    fn.allow(['states:StartExecution'], [this.stateMachine.stateMachineArn]);
  }

  /** Lets a function read executions, including their input. */
  grantDescribe(fn: PipelineFunction): void {
    const resource = this.stateMachine.node.defaultChild as CfnStateMachine;
    const prefix = `arn:${Aws.PARTITION}:states:${Aws.REGION}:${Aws.ACCOUNT_ID}:execution`;
    fn.allow(['states:DescribeExecution'], [`${prefix}:${resource.attrName}:*`]);
    this.key.grantDescribe(fn);
    Validations.of(fn).acknowledge({
      id: wildcardFinding(
        `arn:<AWS::Partition>:states:<AWS::Region>:<AWS::AccountId>:execution:<${logicalId(resource)}.Name>:*`,
      ),
      reason: 'Execution names contain the webhook id. The wildcard covers this one state machine only.',
    });
  }

  private acknowledge(tasks: readonly PipelineFunction[]): void {
    Validations.of(this.stateMachine).acknowledge(
      {
        id: 'AwsSolutions::AwsSolutions-SF1',
        reason: 'The execution history contains every event for 90 days; the log is for failures.',
      },
      { id: wildcardFinding('*'), reason: 'X-Ray and log delivery have no resource-level permissions.' },
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
