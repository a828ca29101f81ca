import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, PolicyDocument, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CustomerManagedEncryptionConfiguration } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { PipelineFunction } from './pipeline-function.ts';
import { removalPolicy } from './removal.ts';
import type { Stage } from './stage-schema.ts';

/** All that keeps a key in order, and nothing that uses it or lets others use it (`kms:CreateGrant`). */
const ADMINISTRATION = [
  'kms:CancelKeyDeletion',
  'kms:CreateAlias',
  'kms:DeleteAlias',
  'kms:DescribeKey',
  'kms:DisableKey',
  'kms:DisableKeyRotation',
  'kms:EnableKey',
  'kms:EnableKeyRotation',
  'kms:GetKeyPolicy',
  'kms:GetKeyRotationStatus',
  'kms:ListGrants',
  'kms:ListKeyPolicies',
  'kms:ListKeyRotations',
  'kms:ListResourceTags',
  'kms:PutKeyPolicy',
  'kms:RevokeGrant',
  'kms:RotateKeyOnDemand',
  'kms:ScheduleKeyDeletion',
  'kms:TagResource',
  'kms:UntagResource',
  'kms:UpdateAlias',
  'kms:UpdateKeyDescription',
];

export interface ExecutionKeyProps {
  readonly stage: Stage;
  readonly stateMachineName: string;
}

/**
 * The key under which the retry workflow's definition and executions are stored: they carry learners' data for 90 days.
 *
 * Who needs what (Step Functions Developer Guide, "Data at rest encryption"): the state machine's role `Decrypt` and
 * `GenerateDataKey`, never with `kms:ViaService`, under which executions would fail; callers of `StartExecution` and
 * `ListExecutions` nothing; callers of `DescribeExecution` and `GetExecutionHistory` `Decrypt`, operators in the console
 * included; who deploys, `DescribeKey` and `GenerateDataKey`.
 */
export class ExecutionKey extends Construct {
  /** For the state machine, which grants its own role. */
  readonly encryption: CustomerManagedEncryptionConfiguration;
  private readonly key: Key;
  private readonly stateMachineArn: string;

  constructor(scope: Construct, id: string, { stage, stateMachineName }: ExecutionKeyProps) {
    super(scope, id);
    // Written out: the state machine refers to the key, so that the key cannot refer to it.
    this.stateMachineArn = Stack.of(this).formatArn({
      service: 'states',
      resource: 'stateMachine',
      resourceName: stateMachineName,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    this.key = new Key(this, 'Key', {
      description: `Executions of ${stateMachineName}`,
      alias: `${stateMachineName}-executions`,
      enableKeyRotation: true,
      policy: this.policy(),
      removalPolicy: removalPolicy(stage),
      // The shortest there is. Nothing is charged for a key that waits to be deleted.
      ...(!stage.retain && { pendingWindow: Duration.days(7) }),
    });
    // By its ARN, so that the state machine cannot add to the policy: CDK would let log delivery `Decrypt*` anything.
    this.encryption = new CustomerManagedEncryptionConfiguration(Key.fromKeyArn(this, 'ByArn', this.key.keyArn));
  }

  /** Lets a function that calls `DescribeExecution` see input and output. */
  grantDescribe(fn: PipelineFunction): void {
    fn.allow(['kms:Decrypt'], [this.key.keyArn], {
      StringEquals: {
        'kms:ViaService': `states.${Stack.of(this).region}.amazonaws.com`,
        'kms:EncryptionContext:aws:states:stateMachineArn': this.stateMachineArn,
      },
    });
  }

  /**
   * The account decides by IAM who may do what, but within this: nobody, administrators included, uses the key for
   * anything but this state machine's data and the delivery of its log.
   */
  private policy(): PolicyDocument {
    const account = [new AccountRootPrincipal()];
    const resources = ['*'];
    // As Step Functions encrypts what it hands to log delivery: the asterisk is part of the context's value.
    const logs = Stack.of(this).formatArn({ service: 'logs', resource: '*' });
    const forLogs = { StringEquals: { 'kms:EncryptionContext:SourceArn': logs } };
    return new PolicyDocument({
      statements: [
        new PolicyStatement({ sid: 'Administration', principals: account, actions: ADMINISTRATION, resources }),
        new PolicyStatement({
          sid: 'Executions',
          principals: account,
          actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
          resources,
          conditions: {
            StringEquals: { 'kms:EncryptionContext:aws:states:stateMachineArn': this.stateMachineArn },
          },
        }),
        new PolicyStatement({
          sid: 'LogDelivery',
          principals: account,
          actions: ['kms:GenerateDataKey'],
          resources,
          conditions: forLogs,
        }),
        new PolicyStatement({
          sid: 'LogDeliveryService',
          principals: [new ServicePrincipal('delivery.logs.amazonaws.com')],
          actions: ['kms:Decrypt'],
          resources,
          conditions: forLogs,
        }),
      ],
    });
  }
}
