import { Validations } from 'aws-cdk-lib';
import { type HttpApi, HttpMethod, HttpNoneAuthorizer, type IHttpRouteAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Construct } from 'constructs';
import { OPERATIONS_PATHS } from '../lambdas/status/health-document.ts';
import type { Configuration } from './configuration.ts';
import type { EventQueues } from './event-queues.ts';
import type { CodeBase } from './function-code.ts';
import type { Ledger } from './ledger.ts';
import { PipelineFunction } from './pipeline-function.ts';
import type { Secrets } from './secrets.ts';

export interface WebhookHealthProps {
  readonly codeBase: CodeBase;
  /** The API for its routes, which share limits and access log. */
  readonly api: HttpApi;
  readonly configuration: Configuration;
  readonly ledger: Ledger;
  readonly queues: EventQueues;
  readonly secrets: Secrets;
}

/**
 * Reports the health of deliveries to operators (requirement W5) and metrics to Prometheus (W7). It reads metrics, the ledger's
 * index and the integrations, and can change nothing.
 */
export class WebhookHealth extends Construct {
  readonly webhookHealth: PipelineFunction;

  constructor(scope: Construct, id: string, props: WebhookHealthProps) {
    super(scope, id);
    const { codeBase, api, configuration, ledger, queues, secrets } = props;
    this.webhookHealth = new PipelineFunction(this, 'WebhookHealth', { codeBase, inVpc: false });
    configuration.grantReadIntegrations(this.webhookHealth);
    ledger.grantListFailures(this.webhookHealth);
    secrets.grantReadMetricsToken(this.webhookHealth);
    // IAM supports no resource or condition for it: the permission covers all metrics of the account.
    this.webhookHealth.allow(['cloudwatch:GetMetricData'], ['*']);
    for (const [variable, { queueUrl }] of [
      ['EVENTS_QUEUE_URL', queues.events.queue],
      ['EVENTS_DEAD_LETTER_QUEUE_URL', queues.events.deadLetters],
      ['DELIVERIES_QUEUE_URL', queues.deliveries.queue],
      ['DELIVERIES_DEAD_LETTER_QUEUE_URL', queues.deliveries.deadLetters],
    ] as const) {
      this.webhookHealth.setVariable(variable, queueUrl);
    }

    const integration = new HttpLambdaIntegration('Health', this.webhookHealth.lambda);
    const route = (path: string, authorizer: IHttpRouteAuthorizer) =>
      api.addRoutes({ path, methods: [HttpMethod.GET], integration, authorizer });
    route(OPERATIONS_PATHS.health, new HttpIamAuthorizer());
    route(`${OPERATIONS_PATHS.health}/{integration}`, new HttpIamAuthorizer());
    for (const open of route(OPERATIONS_PATHS.metrics, new HttpNoneAuthorizer())) {
      Validations.of(open).acknowledge({
        id: 'AwsSolutions::AwsSolutions-APIG4',
        reason: 'Prometheus cannot sign requests. The function checks a token: docs/decisions/0019.',
      });
    }
  }
}
