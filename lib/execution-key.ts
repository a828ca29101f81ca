import { ArnFormat, Duration, Stack } from 'aws-cdk-lib';
import { AccountRootPrincipal, PolicyDocument, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { CustomerManagedEncryptionConfiguration } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import type { PipelineFunction } from './pipeline-function.ts';
import { removalPolicy } from './removal.ts';
import type { Stage } from './stage-schema.ts';

/** Actions that administer a key, without those that use it or delegate its use (`kms:CreateGrant`). */
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

/**
 * The key that encrypts the retry workflow's definition and executions, which contain learners' data for 90 days.
 *
 * Required permissions (Step Functions Developer Guide, "Data at rest encryption"): the state machine's role needs `Decrypt`
 * and `GenerateDataKey`, without `kms:ViaService`, with which executions fail. `DescribeExecution` and `GetExecutionHistory`
 * need `Decrypt`, in the console too; `StartExecution` and `ListExecutions` need nothing. A deploy needs `DescribeKey` and
 * `GenerateDataKey`.
 */
export class ExecutionKey extends Construct {
  /** For the state machine, which grants its own role. */
  readonly encryption: CustomerManagedEncryptionConfiguration;
  private readonly key: Key;
  private readonly stateMachineArn: string;

  constructor(
    scope: Construct,
    id: string,
    { stage, stateMachineName }: { readonly stage: Stage; readonly stateMachineName: string },
  ) {
    super(scope, id);
    // Not a reference: the state machine refers to the key, so a reference back would be circular.
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
      // KMS's minimum. A key that is pending deletion costs nothing.
      ...(!stage.retain && { pendingWindow: Duration.days(7) }),
    });
    // Imported by ARN, so that CDK does not extend the policy: it would allow log delivery `Decrypt*` without a condition.
    this.encryption = new CustomerManagedEncryptionConfiguration(Key.fromKeyArn(this, 'ByArn', this.key.keyArn));
  }

  /** Lets a function read input and output with `DescribeExecution`. */
  grantDescribe(fn: PipelineFunction): void {
    fn.allow(['kms:Decrypt'], [this.key.keyArn], {
      StringEquals: {
        'kms:ViaService': `states.${Stack.of(this).region}.amazonaws.com`,
        'kms:EncryptionContext:aws:states:stateMachineArn': this.stateMachineArn,
      },
    });
  }

  /**
   * IAM policies of the account decide who may use the key, within these limits: even an administrator can use it only for
   * this state machine's data and for the delivery of its log.
   */
  private policy(): PolicyDocument {
    const account = [new AccountRootPrincipal()];
    const resources = ['*'];
    // The encryption context of log delivery by Step Functions; the asterisk is part of the value.
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
