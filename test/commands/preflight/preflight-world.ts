import { generateKeyPairSync } from 'node:crypto';
import { runProgram } from '../../../commands/program.ts';
import type { OutputName } from '../../../commands/shared/stage.ts';
import { FLAG_SEED } from '../../../lib/flag-seed.ts';
import { AwsError } from '../../../local/control-plane/aws-error.ts';
import { jsonResponse, type RestRequest } from '../../../local/control-plane/rest.ts';
import { snsApi } from '../../../local/sns/sns.ts';
import { type PartnerServer, startPartner } from '../../support/partner-server.ts';
import { type OperatorWorld, startOperatorWorld } from '../operator-world.ts';

const TOPIC = 'arn:aws:sns:us-east-1:000000000000:alarms';
const EVENTS = 'arn:aws:sqs:us-east-1:000000000000:events';
const DELIVERIES = 'arn:aws:sqs:us-east-1:000000000000:deliveries';
const OUTCOMES = 'arn:aws:sqs:us-east-1:000000000000:outcomes';
const READER = 'arn:aws:lambda:us-east-1:000000000000:function:reader';

/** As SNS denies, which has a name of its own for it. */
const snsDenies = (call: string) =>
  `<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>you are not authorized to perform ${call}</Message></Error></ErrorResponse>`;

/** As the stack lets its alarms publish. */
const ALARMS_PUBLISH = {
  Effect: 'Allow',
  Principal: { Service: 'cloudwatch.amazonaws.com' },
  Action: 'sns:Publish',
  Resource: TOPIC,
  Condition: {
    StringEquals: { 'aws:SourceAccount': '000000000000' },
    ArnLike: { 'aws:SourceArn': 'arn:aws:cloudwatch:us-east-1:000000000000:alarm:learning-time-webhooks-local-*' },
  },
};

/** Everything that a preflight asks for. */
export const PREFLIGHT_OUTPUTS = {
  SnowflakeSecretName: '/local/snowflake',
  EgressAddresses: 'NetworkEgress1.PublicIp',
  EventsQueueArn: EVENTS,
  DeliveriesQueueArn: DELIVERIES,
  OutcomesQueueArn: OUTCOMES,
  OutcomesDeadLetterQueueUrl: 'http://sqs/0/outcomes-dead-letters',
  EventsDeadLetterQueueUrl: 'http://sqs/0/events-dead-letters',
  DeliveriesDeadLetterQueueUrl: 'http://sqs/0/deliveries-dead-letters',
  RescueDeadLetterQueueUrl: 'http://sqs/0/rescue-dead-letters',
  ReconcileDeadLetterQueueUrl: 'http://sqs/0/reconcile-dead-letters',
  FlagsEnvironmentId: 'flags-env',
  FlagsProfileId: 'flags',
  AlarmTopicArn: TOPIC,
} as const;

/** In every secret of this world: searched for where it must not be. */
export const MARK = 'marked-and-never-shown';
export const SIGNING_SECRET = `whsec_${Buffer.from(`${MARK}, 24 bytes or more`).toString('base64')}`;

const { privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});
export const SNOWFLAKE_SECRET = { account: `ORG-${MARK}`, user: MARK, private_key: privateKey };

/** A stage that is ready for its first event, and what a test takes from it. */
export interface PreflightWorld {
  readonly world: OperatorWorld;
  readonly partner: PartnerServer;
  /** Letters by the last part of a queue's URL. */
  readonly letters: Record<string, number>;
  /** What IAM denies, by the call's name. */
  readonly denied: Set<string>;
  /** Lambda's answers. */
  readonly lambda: {
    unreserved: number;
    readerState: string;
    reserved: number | undefined;
    variables: Record<string, string>;
  };
  /** Of the policy of the alarms' topic. */
  readonly topicStatements: object[];
  /** What was asked that is no question: it must stay empty. */
  readonly changes: readonly string[];
  putSnowflake(text: string): void;
  /** `./ltw preflight`. @returns its exit status */
  run(...words: readonly string[]): Promise<number>;
  /** Lines that begin so. */
  lines(beginning: string): string[];
  close(): Promise<void>;
}

/** @param omitted outputs that an older stack does not have */
export async function startPreflightWorld(omitted: readonly OutputName[] = []): Promise<PreflightWorld> {
  const had = Object.entries(PREFLIGHT_OUTPUTS).filter(([name]) => !omitted.some((output) => output === name));
  const world = await startOperatorWorld({ outputs: Object.fromEntries(had) });
  const partner = await startPartner((to) => to.end());
  const letters: Record<string, number> = {};
  const denied = new Set<string>();
  const changes: string[] = [];
  const topicStatements: object[] = [ALARMS_PUBLISH];
  const lambda: PreflightWorld['lambda'] = {
    unreserved: 50,
    readerState: 'Enabled',
    reserved: undefined,
    variables: { ALLOW_PLAIN_HTTP: 'true', ALLOWED_CIDRS: '127.0.0.0/8', ALLOWED_PORTS: 'any' },
  };
  const permit = (call: string) => {
    if (denied.has(call)) throw new AwsError('AccessDeniedException', 400, `you are not authorized to perform ${call}`);
  };

  const { plane } = world;
  plane.registerRest(async (request) => {
    if (request.method !== 'GET') return undefined;
    return lambdaAnswer(request, lambda, permit);
  });
  plane.registerRest(async ({ body }) => {
    const call = new URLSearchParams(body.toString()).get('Action') ?? '';
    if (!denied.has(call)) return undefined;
    return { status: 403, headers: { 'Content-Type': 'text/xml' }, body: snsDenies(call) };
  });
  const subscription = { topicArn: TOPIC, protocol: 'email', endpoint: 'on-call@example.com' };
  const topic = {
    topicArn: TOPIC,
    get policy() {
      return JSON.stringify({ Statement: topicStatements });
    },
  };
  plane.registerRest(snsApi([topic], [subscription]));
  plane.registerTarget('AmazonSQS', async (operation, { QueueUrl }) => {
    if (operation !== 'GetQueueAttributes') changes.push(operation);
    permit(operation);
    const name = String(QueueUrl).split('/').at(-1) ?? '';
    return { Attributes: { ApproximateNumberOfMessages: String(letters[name] ?? 0) } };
  });

  plane.appConfig.defineProfile('app', 'flags', 'AWS.AppConfig.FeatureFlags');
  plane.appConfig.deploy('app', 'flags-env', 'flags', JSON.stringify(FLAG_SEED));
  plane.secretsManager.put('/local/snowflake', JSON.stringify(SNOWFLAKE_SECRET));
  world.deploy({ integrations: [{ id: 'acme', url: `${partner.url}/hooks` }] });
  world.putSecret('acme', { signing_secrets: [SIGNING_SECRET] });

  return {
    ...{ world, partner, letters, denied, lambda, changes, topicStatements },
    putSnowflake: (text) => plane.secretsManager.put('/local/snowflake', text),
    run: (...words) => runProgram(['preflight', ...words], world.context),
    lines: (beginning) => {
      const all = world.printed().split('\n');
      return all.filter((line) => line.startsWith(beginning));
    },
    async close() {
      await partner.close();
      await world.close();
    },
  };
}

const MOST_AT_ONCE: Readonly<Record<string, number>> = { [EVENTS]: 5, [DELIVERIES]: 10, [OUTCOMES]: 2 };

function lambdaAnswer(
  { segments, query }: RestRequest,
  { unreserved, readerState, reserved, variables }: PreflightWorld['lambda'],
  permit: (call: string) => void,
) {
  switch (segments.filter((segment) => !segment.startsWith('arn:')).join(' ')) {
    case '2016-08-19 account-settings':
      permit('GetAccountSettings');
      return jsonResponse(200, {
        AccountLimit: { ConcurrentExecutions: 1000, UnreservedConcurrentExecutions: unreserved },
      });
    case '2015-03-31 event-source-mappings': {
      const source = query.get('EventSourceArn') ?? '';
      const ScalingConfig = { MaximumConcurrency: MOST_AT_ONCE[source] };
      const State = source === DELIVERIES ? readerState : 'Enabled';
      return jsonResponse(200, { EventSourceMappings: [{ UUID: 'u-1', FunctionArn: READER, State, ScalingConfig }] });
    }
    case '2019-09-30 functions concurrency':
      return jsonResponse(200, { ReservedConcurrentExecutions: reserved });
    case '2015-03-31 functions send-test configuration':
      permit('GetFunctionConfiguration');
      return jsonResponse(200, { FunctionName: 'send-test', Environment: { Variables: variables } });
    default:
      return undefined;
  }
}
