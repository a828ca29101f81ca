import { Duration } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-events';
import type { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { Configuration } from './configuration.ts';
import type { CodeBase } from './function-code.ts';
import { invokeByRules, undeliveredQueue } from './invoked-by-rules.ts';
import type { Ledger } from './ledger.ts';
import type { OperationalEvents } from './operational-events.ts';
import { stackOutputs } from './outputs.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { Secrets } from './secrets.ts';

/** Four times in the day that the alarm evaluates. */
const INTERVAL = Duration.hours(6);

export interface CertificateExpiryProps {
  readonly codeBase: CodeBase;
  readonly configuration: Configuration;
  readonly secrets: Secrets;
  readonly ledger: Ledger;
  readonly events: OperationalEvents;
}

/**
 * Publishes when the integrations' client certificates expire. Besides the functions that call partners it is the only one that
 * may read the integrations' secrets: those functions read them for deliveries only, and an integration without deliveries is
 * the one whose certificate expires unnoticed. Nothing but its schedule invokes it.
 */
export class CertificateExpiry extends Construct {
  readonly expiry: PipelineFunction;
  /** For runs that could not start or failed: without a run the alarm has no data. */
  readonly undelivered: Queue;

  constructor(
    scope: Construct,
    id: string,
    { codeBase, configuration, secrets, ledger, events }: CertificateExpiryProps,
  ) {
    super(scope, id);
    this.undelivered = undeliveredQueue(this, codeBase.stage);
    this.expiry = new PipelineFunction(this, 'CertificateExpiry', { codeBase, inVpc: false });
    configuration.grantReadIntegrations(this.expiry);
    secrets.grantReadIntegrations(this.expiry);
    ledger.grantAnnounceExpiry(this.expiry);
    events.grantPut(this.expiry);
    const interval = {
      description: 'Publishes when the client certificates of integrations expire',
      schedule: Schedule.rate(INTERVAL),
    };
    invokeByRules(this.expiry, { Rule: interval }, this.undelivered);
    stackOutputs(this, {
      CertificateExpiryDeadLetterQueueUrl: [
        this.undelivered.queueUrl,
        'Runs that did not check the client certificates: should stay empty',
      ],
    });
  }
}
