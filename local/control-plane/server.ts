import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { createLocalAppConfig, type LocalAppConfig } from './appconfig.ts';
import { AwsError } from './aws-error.ts';
import { createLocalSecretsManager, type LocalSecretsManager } from './secrets-manager.ts';

/**
 * A service behind `POST /` with the header `X-Amz-Target: <prefix>.<operation>` and a JSON body. What it throws with a
 * `name` and a `statusCode` reaches the client as that AWS error; anything else as a 500 `InternalFailure`.
 */
export type TargetHandler = (operation: string, body: Readonly<Record<string, unknown>>) => Promise<object>;

/** The AWS services that a pipeline asks rather than sends data through, on one port. */
export interface ControlPlane {
  /** For `AWS_ENDPOINT_URL_APPCONFIGDATA`, `AWS_ENDPOINT_URL_SECRETS_MANAGER` and those of registered services. */
  readonly endpoint: string;
  readonly appConfig: LocalAppConfig;
  readonly secretsManager: LocalSecretsManager;
  /** @param prefix of `X-Amz-Target`, without the dot: `AWSStepFunctions` @throws Error where it is taken */
  registerTarget(prefix: string, handler: TargetHandler): void;
  /** Ends every connection. */
  close(): Promise<void>;
}

export interface ControlPlaneOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number;
  /** The wall clock in milliseconds, for poll intervals and the life of tokens. */
  readonly now?: () => number;
}

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Starts the control plane on 127.0.0.1. Signatures are not checked. */
export async function startControlPlane({ port = 0, now }: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const appConfig = createLocalAppConfig(now);
  const secretsManager = createLocalSecretsManager();
  const targets = new Map<string, TargetHandler>([['secretsmanager', secretsManager.handle]]);

  const server = createServer((request, response) => {
    route(request, appConfig, targets).then(
      (answer) => send(response, answer),
      (thrown: unknown) => send(response, errorAnswer(request, thrown)),
    );
  });
  const listening = Promise.withResolvers<void>();
  server.once('error', listening.reject);
  server.listen(port, '127.0.0.1', listening.resolve);
  await listening.promise;

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    appConfig,
    secretsManager,
    registerTarget(prefix, handler) {
      if (targets.has(prefix)) throw new Error(`${prefix} is registered already`);
      targets.set(prefix, handler);
    },
    async close() {
      const closed = Promise.withResolvers<void>();
      server.close(() => closed.resolve());
      server.closeAllConnections();
      await closed.promise;
    },
  };
}

async function route(
  request: IncomingMessage,
  appConfig: LocalAppConfig,
  targets: ReadonlyMap<string, TargetHandler>,
): Promise<Answer> {
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const operation = `${request.method} ${url.pathname}`;
  if (operation === 'POST /configurationsessions') {
    const InitialConfigurationToken = appConfig.startSession(await readBody(request));
    return jsonAnswer(201, { InitialConfigurationToken }, 'application/json');
  }
  if (operation === 'GET /configuration') return latestAnswer(appConfig, url.searchParams.get('configuration_token'));
  const target = String(request.headers['x-amz-target'] ?? '');
  const dot = target.lastIndexOf('.');
  const handler = targets.get(target.slice(0, dot));
  if (operation !== 'POST /' || handler === undefined) {
    throw new AwsError('UnknownOperationException', 404, `nobody answers ${operation} ${target}`);
  }
  return jsonAnswer(200, await handler(target.slice(dot + 1), await readBody(request)), contentType(request));
}

function latestAnswer(appConfig: LocalAppConfig, token: string | null): Answer {
  const { nextToken, nextPollSeconds, content, version } = appConfig.getLatest(token ?? '');
  const headers = {
    'Next-Poll-Configuration-Token': nextToken,
    'Next-Poll-Interval-In-Seconds': String(nextPollSeconds),
    'Content-Type': 'application/json',
    ...(version !== undefined && { 'Version-Label': version }),
  };
  return { status: 200, headers, body: content };
}

async function readBody(request: IncomingMessage): Promise<Record<string, unknown>> {
  const body = await json(request).catch(() => undefined);
  if (typeof body === 'object' && body !== null) return body as Record<string, unknown>;
  throw new AwsError('SerializationException', 400, 'the body is not a JSON object');
}

/** JSON 1.0 or 1.1: each service answers in the version it was asked in. */
function contentType(request: IncomingMessage): string {
  return request.headers['content-type'] ?? 'application/x-amz-json-1.1';
}

function jsonAnswer(status: number, body: object, type: string): Answer {
  return { status, headers: { 'Content-Type': type }, body: JSON.stringify(body) };
}

function errorAnswer(request: IncomingMessage, thrown: unknown): Answer {
  const { name, statusCode, message, fields } = (thrown ?? {}) as Partial<AwsError>;
  const isAws = typeof name === 'string' && typeof statusCode === 'number';
  const type = isAws ? name : 'InternalFailure';
  // Both spellings are in use: `Message` by AppConfig data, `message` by the services behind X-Amz-Target.
  const body = { __type: type, message, Message: message, ...fields };
  const answer = jsonAnswer(isAws ? statusCode : 500, body, contentType(request));
  return { ...answer, headers: { ...answer.headers, 'x-amzn-ErrorType': type } };
}

function send(response: ServerResponse, { status, headers, body }: Answer): void {
  response.writeHead(status, { ...headers, 'Content-Length': Buffer.byteLength(body) }).end(body);
}
