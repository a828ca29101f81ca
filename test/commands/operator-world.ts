import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from '../../commands/shared/context.ts';
import { noteInterruption } from '../../commands/shared/interruption.ts';
import { openStage, type Stage } from '../../commands/shared/stage.ts';
import type { SendTestReport } from '../../lambdas/delivery/send-test-contract.ts';
import type { CheckWarehouseReport } from '../../lambdas/warehouse/check.ts';
import { writeState } from '../../local/control/state-file.ts';
import { jsonResponse, type RestRequest } from '../../local/control-plane/rest.ts';
import { type ControlPlane, startControlPlane } from '../../local/control-plane/server.ts';
import { NOW } from '../support/factories.ts';

export const OUTPUTS = {
  AppConfigApplicationId: 'app',
  IntegrationsEnvironmentId: 'env',
  IntegrationsProfileId: 'profile',
  EmergencyStrategyId: 'at-once',
  IntegrationSecretsPrefix: '/local/integrations/',
  SendTestFunctionName: 'send-test',
  CheckWarehouseFunctionName: 'check-warehouse',
} as const;

/** Commands have a client of each; what the control plane has nothing of, it refuses. */
const SERVICES = ['APPCONFIG', 'SECRETS_MANAGER', 'LAMBDA', 'DYNAMODB', 'SQS', 'CLOUDWATCH', 'CLOUDWATCH_LOGS', 'SNS'];

/** A platform's control plane that commands can work on, and a person whose answers are known beforehand. */
export interface OperatorWorld {
  readonly plane: ControlPlane;
  readonly context: Context;
  /** Everything that was printed, as one text. */
  printed(): string;
  /** Everything that was drawn of progress, as one text, on what says that it is a terminal. */
  drawn(): string;
  /** The questions that were printed. */
  readonly questions: readonly string[];
  /** What the operator types next; without any, the input has ended. */
  readonly answers: string[];
  readonly variables: Record<string, string>;
  /** Called before the clock jumps over a wait. */
  onSleep: (durationMs: number) => void;
  nowMs: number;
  deploy(document: unknown): void;
  /** The document that functions get. */
  deployed(): unknown;
  /** How the newest deployment was made. */
  lastStrategy(): string | undefined;
  versions(): number;
  putSecret(id: string, fields: object): void;
  secret(id: string): Record<string, unknown> | undefined;
  /** Sets the result of the function SendTest; a text is the type of its error. */
  answerTests(answer: Partial<SendTestReport> | string): void;
  /** Integrations for which SendTest was invoked, such as `acme` or `acme with its next certificate`. */
  readonly tested: readonly string[];
  /** Sets the result of the function CheckWarehouse; a text is the type of its error. */
  answerChecks(answer: CheckWarehouseReport | string): void;
  /** Its inputs. */
  readonly checked: readonly unknown[];
  /** Writes a file that is gone after the test. */
  file(name: string, content: unknown): string;
  readonly stateFile: string;
  stopPlatform(): void;
  close(): Promise<void>;
}

export const DELIVERED: SendTestReport = {
  integration_id: 'acme',
  webhook_id: 'wh_test_1',
  webhook_timestamp: '1768478400',
  webhook_signature: 'v1,c2lnbmF0dXJl',
  body: '{"test":true}',
  verdict: 'delivered',
  reason: 'HTTP 200',
  status: 200,
  timings: { dnsMs: 1.2, connectMs: 10, tlsMs: 20, firstByteMs: 50, totalMs: 51 },
  response_start: 'thanks',
};

/** @param more endpoints and outputs of a platform that has more than a control plane, by their names */
export async function startOperatorWorld(
  more: { readonly endpoints?: Record<string, string>; readonly outputs?: Record<string, string> } = {},
): Promise<OperatorWorld> {
  const directory = mkdtempSync(join(tmpdir(), 'commands-'));
  const stateFile = join(directory, 'platform.json');
  const lines: string[] = [];
  const drawn: string[] = [];
  const questions: string[] = [];
  const answers: string[] = [];
  const tested: string[] = [];
  const checked: unknown[] = [];
  const variables: Record<string, string> = {};
  const stages: Stage[] = [];
  const clock = { nowMs: NOW };
  let testAnswer: Partial<SendTestReport> | string = {};
  let checkAnswer: CheckWarehouseReport | string = { checks: [] };

  const ask = async (question: string) => {
    questions.push(question);
    return answers.shift();
  };
  const plane = await startControlPlane({ now: () => clock.nowMs });
  plane.registerRest(async (request) => {
    if (!request.segments.includes('invocations')) return undefined;
    if (request.segments.includes('check-warehouse')) {
      checked.push(JSON.parse(request.body.toString()));
      return answered(checkAnswer);
    }
    tested.push(askedFor(request));
    return answered(typeof testAnswer === 'string' ? testAnswer : { ...DELIVERED, ...testAnswer });
  });
  defineIntegrations(plane);
  writeState(stateFile, {
    pid: process.pid,
    control: plane.endpoint,
    clock_offset_ms: 0,
    endpoints: {
      ...Object.fromEntries(SERVICES.map((service) => [`AWS_ENDPOINT_URL_${service}`, plane.endpoint])),
      ...more.endpoints,
    },
    outputs: { ...OUTPUTS, ...more.outputs },
  });

  const world: OperatorWorld = {
    ...{ plane, questions, answers, tested, checked, variables, stateFile },
    get nowMs() {
      return clock.nowMs;
    },
    set nowMs(value) {
      clock.nowMs = value;
    },
    onSleep: () => {},
    context: {
      variables,
      terminal: {
        isInteractive: true,
        progress: { isTTY: true, write: (text) => drawn.push(String(text)) > 0 },
        print: (text) => void lines.push(text),
        ask,
        askHidden: ask,
        close: () => {},
      },
      async openStage(name) {
        const stage = await openStage(name, variables, stateFile);
        stages.push(stage);
        return stage;
      },
      now: () => world.nowMs,
      async sleep(durationMs) {
        world.onSleep(durationMs);
        world.nowMs += durationMs;
      },
      noteInterruption,
    },
    printed: () => lines.join('\n'),
    drawn: () => drawn.join(''),
    deploy: (document) => void plane.appConfig.deploy('app', 'env', 'profile', JSON.stringify(document)),
    deployed: () => JSON.parse(newest(plane)?.published ?? 'null'),
    lastStrategy: () => newest(plane)?.draft.strategyId,
    versions: () => plane.appConfig.store.versions('app', 'profile').length,
    putSecret: (id, fields) => plane.secretsManager.put(`/local/integrations/${id}`, JSON.stringify(fields)),
    secret(id) {
      const text = plane.secretsManager.current(`/local/integrations/${id}`);
      return text === undefined ? undefined : JSON.parse(text);
    },
    answerTests(answer) {
      testAnswer = answer;
    },
    answerChecks(answer) {
      checkAnswer = answer;
    },
    file(name, content) {
      const path = join(directory, name);
      writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
      return path;
    },
    stopPlatform: () => rmSync(stateFile),
    async close() {
      for (const stage of stages) stage.close();
      await plane.close();
      rmSync(directory, { recursive: true });
    },
  };
  return world;
}

/** Lets a test answer a client's calls, or make another call before or after one. */
export function intercept(client: object, answer: (command: object, send: () => Promise<unknown>) => unknown): void {
  const sender = client as { send(command: object): Promise<unknown> };
  const send = sender.send.bind(sender);
  sender.send = async (command) => answer(command, () => send(command));
}

/** With its seed deployed. It has no validator: compiling one takes longer than most tests. */
function defineIntegrations({ appConfig }: ControlPlane): void {
  appConfig.defineProfile('app', 'profile', 'AWS.Freeform');
  appConfig.store.defineEnvironment('app', 'env');
  appConfig.store.defineStrategy('careful', { FinalBakeTimeInMinutes: 20 });
  appConfig.store.defineStrategy('at-once', { FinalBakeTimeInMinutes: 0 });
  appConfig.deploy('app', 'env', 'profile', '{"integrations":[]}');
}

function newest({ appConfig }: ControlPlane) {
  return appConfig.store.deployments('app', 'env').at(-1);
}

/** The result of a function; a text is the type of its error. */
function answered(answer: object | string) {
  if (typeof answer !== 'string') return jsonResponse(200, answer);
  const failed = jsonResponse(200, { errorType: answer, errorMessage: 'it broke' });
  return { ...failed, headers: { ...failed.headers, 'X-Amz-Function-Error': 'Unhandled' } };
}

function askedFor({ body }: RestRequest): string {
  const { integration_id: id, client_certificate: pair } = JSON.parse(body.toString());
  return pair === undefined ? id : `${id} with its ${pair} certificate`;
}
