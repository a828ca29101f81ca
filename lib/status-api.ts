import { Duration } from 'aws-cdk-lib';
import { AccessLogFormat } from 'aws-cdk-lib/aws-apigateway';
import {
  CorsHttpMethod,
  HttpApi,
  HttpMethod,
  HttpStage,
  type IHttpRouteAuthorizer,
  LogGroupLogDestination,
} from 'aws-cdk-lib/aws-apigatewayv2';
import { HttpIamAuthorizer, HttpJwtAuthorizer } from 'aws-cdk-lib/aws-apigatewayv2-authorizers';
import { HttpLambdaIntegration } from 'aws-cdk-lib/aws-apigatewayv2-integrations';
import { Construct } from 'constructs';
import { STATUS_PATHS } from '../lambdas/status/feature-status-document.ts';
import type { Configuration } from './configuration.ts';
import type { CodeBase } from './function-code.ts';
import { logGroup } from './log-group.ts';
import { stackOutputs } from './outputs.ts';
import { PipelineFunction } from './pipeline-function.ts';

/** How long a browser may cache a preflight response. */
const PREFLIGHT_MAX_AGE = Duration.hours(1);

/**
 * One line per request, without query string and caller's address, which may identify the caller or the learner. A route key
 * has the parameter's name, not its value.
 */
const ACCESS_LOG = {
  requestId: '$context.requestId',
  time: '$context.requestTime',
  route: '$context.routeKey',
  status: '$context.status',
  latencyMs: '$context.responseLatency',
  error: '$context.error.message',
  authorizerError: '$context.authorizer.error',
  integrationError: '$context.integrationErrorMessage',
};

/**
 * Reports to browsers and operators whether the feature is on, for which enterprises and why (requirement S1). It runs outside
 * the VPC and shares only the flag with the pipeline.
 */
export class StatusApi extends Construct {
  readonly api: HttpApi;
  readonly featureStatus: PipelineFunction;

  constructor(
    scope: Construct,
    id: string,
    { codeBase, configuration }: { readonly codeBase: CodeBase; readonly configuration: Configuration },
  ) {
    super(scope, id);
    const { stage } = codeBase;
    const { browsers, requestsPerSecond, burst } = stage.statusApi;
    this.featureStatus = new PipelineFunction(this, 'FeatureStatus', { codeBase, inVpc: false });
    this.featureStatus.setVariable('ENTERPRISE_CLAIM', browsers?.enterpriseClaim ?? '');
    configuration.grantReadFlags(this.featureStatus);

    const apiName = `learning-time-webhooks-${stage.name}-status`;
    this.api = new HttpApi(this, 'Api', {
      apiName,
      createDefaultStage: false,
      ...(browsers !== undefined &&
        browsers.origins.length > 0 && {
          corsPreflight: {
            allowOrigins: browsers.origins,
            allowMethods: [CorsHttpMethod.GET],
            allowHeaders: ['authorization'],
            maxAge: PREFLIGHT_MAX_AGE,
          },
        }),
    });
    new HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: { rateLimit: requestsPerSecond, burstLimit: burst },
      accessLogSettings: {
        destination: new LogGroupLogDestination(logGroup(this, 'AccessLogs', stage, `apigateway/${apiName}`)),
        format: AccessLogFormat.custom(JSON.stringify(ACCESS_LOG)),
      },
    });
    const route = this.routesTo(this.api, new HttpLambdaIntegration('Integration', this.featureStatus.lambda));
    route(STATUS_PATHS.operators, new HttpIamAuthorizer());
    if (browsers !== undefined) {
      const { issuer, audiences } = browsers;
      route(STATUS_PATHS.browsers, new HttpJwtAuthorizer('Browsers', issuer, { jwtAudience: audiences }));
    }
    stackOutputs(this, {
      StatusApiUrl: [
        this.api.apiEndpoint,
        'Reports whether the feature is on, for whom and why: /operations/v1/features/status with your credentials',
      ],
    });
  }

  /** Routes for all features and for one. Only GET: the gateway responds 404 to other methods and paths. */
  private routesTo(api: HttpApi, integration: HttpLambdaIntegration) {
    return (path: string, authorizer: IHttpRouteAuthorizer) => {
      for (const route of [path, `${path}/{feature}`]) {
        api.addRoutes({ path: route, methods: [HttpMethod.GET], integration, authorizer });
      }
    };
  }
}
