import type { IncomingMessage, ServerResponse } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { LocalAppConfig } from '../appconfig/appconfig.ts';
import { appConfigApi, appConfigDataApi } from '../appconfig/appconfig-api.ts';
import { awsCall, type OnCall } from '../aws-calls.ts';
import type { Clock } from '../clock/clock.ts';
import { startHttpServer } from '../http-server.ts';
import { LocalSecretsManager } from '../secrets-manager/secrets-manager.ts';
import { AwsError } from './aws-error.ts';
import { jsonBody, jsonResponse, type RestApi, type RestResponse, type TargetHandler } from './rest.ts';

/** The AWS services of the pipeline's control plane, on one port. */
export interface ControlPlane {
  /** For `AWS_ENDPOINT_URL_APPCONFIG`, `…_APPCONFIGDATA`, `…_SECRETS_MANAGER` and those of registered services. */
  readonly endpoint: string;
  readonly appConfig: LocalAppConfig;
  readonly secretsManager: LocalSecretsManager;
  /** @param prefix of `X-Amz-Target`, without the dot: `AWSStepFunctions` @throws Error if it is registered */
  registerTarget(prefix: string, handler: TargetHandler): void;
  /** Adds a REST service. */
  registerRest(api: RestApi): void;
  /** Closes all connections. */
  close(): Promise<void>;
}

export interface ControlPlaneOptions {
  /** The wall clock in milliseconds, for poll intervals, token lifetimes and dates. */
  readonly now?: () => number;
  /** Does not jump during a request. */
  readonly clock?: Clock;
  /** Called for each request. */
  readonly onCall?: OnCall | undefined;
}

interface Services {
  readonly rest: RestApi[];
  readonly targets: Map<string, TargetHandler>;
  readonly onCall: OnCall | undefined;
}

/** Starts the control plane on 127.0.0.1. Signatures are not checked. */
export async function startControlPlane({
  now = Date.now,
  clock,
  onCall,
}: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const appConfig = new LocalAppConfig(now);
  const secretsManager = new LocalSecretsManager(now);
  const services: Services = {
    rest: [appConfigDataApi(appConfig), appConfigApi(appConfig)],
    targets: new Map([['secretsmanager', secretsManager.handle]]),
    onCall,
  };

  const server = await startHttpServer((request, response) => {
    const work = clock?.beginRequest();
    response.once('close', () => work?.end());
    route(request, services).then(
      (result) => send(response, result),
      (thrown: unknown) => send(response, errorResponse(request, thrown)),
    );
  });

  return {
    endpoint: server.url,
    appConfig,
    secretsManager,
    registerTarget(prefix, handler) {
      if (services.targets.has(prefix)) throw new Error(`${prefix} is registered already`);
      services.targets.set(prefix, handler);
    },
    registerRest(api) {
      services.rest.push(api);
    },
    close: server.close,
  };
}

async function route(request: IncomingMessage, { rest, targets, onCall }: Services): Promise<RestResponse> {
  const { method = '', headers } = request;
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const body = await buffer(request);
  onCall?.(awsCall(headers, parsed(body), `${method} ${url.pathname}`));
  const target = String(headers['x-amz-target'] ?? '');
  const dot = target.lastIndexOf('.');
  const handler = targets.get(target.slice(0, dot));
  if (method === 'POST' && url.pathname === '/' && handler !== undefined) {
    return jsonResponse(200, await handler(target.slice(dot + 1), jsonBody(body)), contentType(request));
  }
  const segments = url.pathname.split('/').slice(1).map(decodeURIComponent);
  for (const api of rest) {
    const response = await api({ method, segments, query: url.searchParams, headers, body });
    if (response !== undefined) return response;
  }
  throw new AwsError('UnknownOperationException', 404, `no service for ${method} ${url.pathname} ${target}`);
}

/** Of a body that is JSON. */
function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString());
  } catch {
    return undefined;
  }
}

/** JSON 1.0 or 1.1: services with `X-Amz-Target` respond in the version of the request. */
function contentType({ headers }: IncomingMessage): string {
  const type = headers['content-type'];
  return type?.startsWith('application/x-amz-json') ? type : 'application/json';
}

function errorResponse(request: IncomingMessage, thrown: unknown): RestResponse {
  const { name, statusCode, message, fields } = (thrown ?? {}) as Partial<AwsError>;
  const isAws = typeof name === 'string' && typeof statusCode === 'number';
  const type = isAws ? name : 'InternalFailure';
  // REST services use `Message`, those with X-Amz-Target `message`.
  const body = { __type: type, message, Message: message, ...fields };
  const response = jsonResponse(isAws ? statusCode : 500, body, contentType(request));
  return { ...response, headers: { ...response.headers, 'x-amzn-ErrorType': type } };
}

function send(response: ServerResponse, { status, headers, body }: RestResponse): void {
  if (status === 204) response.writeHead(status, headers).end();
  else response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
}
