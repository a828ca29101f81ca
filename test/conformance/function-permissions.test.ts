import { runSimulation } from '@cloud-copilot/iam-simulate';
import { expect, test } from '@jest/globals';
import { webhookId } from '../../lambdas/events/identity.ts';
import { FEATURE_NAME } from '../../lambdas/shared/metric-definitions.ts';
import { STATUS_PATHS } from '../../lambdas/status/feature-status-document.ts';
import { OPERATIONS_PATHS } from '../../lambdas/status/health-document.ts';
import type { AwsCall } from '../../local/aws-calls.ts';
import { output } from '../../local/demo/operator.ts';
import { completion, ENTERPRISE, enrollment, LEARNER } from '../../local/demo/sample-events.ts';
import { play } from '../../local/demo/script.ts';
import { ACCOUNT } from '../../local/resolver.ts';
import { LOCAL_ASSEMBLY, LOCAL_STACK } from '../../local/synthesize.ts';
import { readTemplate, resourcesOfType } from '../../local/template.ts';
import { runningSession, SIGNED, until } from '../e2e/running-session.ts';
import { type Access, accessOf } from '../support/iam-of-calls.ts';

/**
 * Everything that functions ask AWS for in one run of the demo, against the roles that the template gives them. IAM is
 * played by `@cloud-copilot/iam-simulate`; no local service checks permissions.
 */
const calls: AwsCall[] = [];
const session = runningSession({ platformOptions: { onCall: (call) => calls.push(call) } });
/** One that the demo does not ask the warehouse about. */
const UNCACHED_LEARNER = 40001;
const template = readTemplate(LOCAL_ASSEMBLY, LOCAL_STACK);

interface PolicyDocument {
  readonly Statement: readonly { readonly Effect: string; readonly Action: string | readonly string[] }[];
}

const resolved = (id: string) => session().platform.resolve(template.resources[id]?.Properties) as never;

/** The policies of a function's role. */
function identityPolicies(functionId: string) {
  const { Role } = resolved(functionId) as { Role: string };
  return resourcesOfType(template, 'AWS::IAM::Policy').flatMap(([id, { Properties }]) => {
    const { Roles } = Properties as { Roles: readonly { Ref: string }[] };
    const roles = Roles.map(({ Ref }) => session().platform.resolve({ 'Fn::GetAtt': [Ref, 'Arn'] }));
    const { PolicyDocument } = resolved(id) as { PolicyDocument: PolicyDocument };
    return roles.includes(Role) ? [{ name: id, policy: PolicyDocument }] : [];
  });
}

/** A queue's policy; nothing else that functions call has one of its own. */
function resourcePolicy(resource: string): PolicyDocument | undefined {
  const queue = session()
    .platform.queues.all()
    .find(({ arn }) => arn === resource);
  const policies = resourcesOfType(template, 'AWS::SQS::QueuePolicy').map(
    ([id]) => resolved(id) as { Queues: string[]; PolicyDocument: PolicyDocument },
  );
  return policies.find(({ Queues }) => queue !== undefined && Queues.includes(queue.url))?.PolicyDocument;
}

async function decide(functionId: string, functionArn: string, { action, resource }: Access): Promise<string> {
  const policy = resourcePolicy(resource);
  const results = await runSimulation(
    {
      request: {
        principal: `arn:aws:sts::${ACCOUNT}:assumed-role/${functionId}/${functionId}`,
        action,
        resource: { resource, accountId: ACCOUNT },
        contextVariables: { 'aws:SecureTransport': 'true', 'lambda:SourceFunctionArn': functionArn },
      },
      identityPolicies: identityPolicies(functionId),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      ...(policy !== undefined && { resourcePolicy: policy }),
    },
    {},
  );
  return results.resultType === 'error' ? JSON.stringify(results.errors) : results.overallResult;
}

async function get(path: string, authorization: string): Promise<number> {
  const { status } = await fetch(`${output(session().platform, 'StatusApiUrl')}${path}`, {
    headers: { authorization },
  });
  return status;
}

/** What the demo does not come to: functions of operators, of schedules and of the HTTP API, and the rescue. */
async function callTheOthers(): Promise<void> {
  const { platform, publish, warehouse, evidence } = session();
  const { functions, stateMachine, controlPlane } = platform;
  warehouse.setMode('refuse');
  session().switchFlag(true);
  await session().skipPollInterval();
  const id = webhookId('skillsoft', 'aborted');
  await publish([JSON.stringify(completion('aborted', 'skillsoft', UNCACHED_LEARNER))]);
  const execution = await until(session(), () => stateMachine.execution(`${id}-g0`));
  stateMachine.abort(execution.name);
  await until(session(), async () =>
    (await evidence([])).deliveryDeadLetters.some(({ webhookId }) => webhookId === id),
  );
  warehouse.setMode('up');

  await platform.tables.setMode('down');
  await publish([JSON.stringify(enrollment('unsettled', 'skillsoft', LEARNER.known))]);
  const outcomes = () => platform.queues.content(output(platform, 'OutcomesQueueUrl'));
  await until(session(), async () => Object.values(await outcomes()).flat().length > 0);
  await platform.tables.setMode('up');
  await until(session(), () => accessesOf(functions.find('settle-outcomes').configuration.name).size > 0);

  const inputs = {
    'sweep-executions': {},
    reconcile: {},
    'credential-age': {},
    'certificate-expiry': {},
    'check-warehouse': {},
    'warm-cache': {},
    'send-test': { integration_id: 'skillsoft' },
  };
  for (const [name, input] of Object.entries(inputs)) {
    expect([name, (await functions.find(name).invoke(input)).status]).toEqual([name, 'succeeded']);
  }

  const { token } = JSON.parse(controlPlane.secretsManager.current(output(platform, 'MetricsTokenSecretName')) ?? '{}');
  const statuses = [
    await get(`${STATUS_PATHS.operators}/${FEATURE_NAME}?enterprise_customer_uuid=${ENTERPRISE}`, SIGNED),
    await get(OPERATIONS_PATHS.health, SIGNED),
    await get(`${OPERATIONS_PATHS.health}/skillsoft`, SIGNED),
    await get(OPERATIONS_PATHS.metrics, `Bearer ${token}`),
  ];
  expect(statuses).toEqual([200, 200, 200, 200]);
}

/** What each function asked for, each once, as `action resource`. */
function accessesOf(functionName: string): Map<string, Access> {
  const sessions = new Set<string>();
  const accesses = calls
    .filter(({ accessKeyId }) => accessKeyId === functionName)
    .flatMap((call) => accessOf(call, session().platform, sessions));
  return new Map(accesses.map((access) => [`${access.action} ${access.resource}`, access]));
}

/**
 * Used by other services in the function's name, which no service here sees: Lambda writes its log and its traces, sets up
 * its network interfaces and polls its queue; Step Functions decrypts the executions that it describes.
 */
const BY_SERVICES =
  /^(logs|xray|ec2):|^kms:Decrypt$|^sqs:(ReceiveMessage|DeleteMessage|ChangeMessageVisibility|GetQueueAttributes|GetQueueUrl)$/;

function neverUsed(functionId: string, used: Iterable<Access>): string[] {
  const actions = new Set(Array.from(used, ({ action }) => action));
  const granted = identityPolicies(functionId)
    .flatMap(({ policy }) => policy.Statement)
    .filter(({ Effect }) => Effect === 'Allow')
    .flatMap(({ Action }) => Action);
  return [...new Set(granted)].filter((action) => !actions.has(action) && !BY_SERVICES.test(action));
}

test('each function is allowed what it asks AWS for', async () => {
  const rows = await play(session(), () => {});
  expect(rows.filter(({ isExpected }) => !isExpected)).toEqual([]);
  await callTheOthers();

  const refused: string[] = [];
  const silent: string[] = [];
  for (const { configuration } of session().platform.functions.all()) {
    const { logicalId, name, arn } = configuration;
    const accesses = accessesOf(name);
    if (accesses.size === 0) silent.push(name);
    for (const [text, access] of accesses) {
      const decision = await decide(logicalId, arn, access);
      if (decision !== 'Allowed') refused.push(`${name}: ${text}: ${decision}`);
    }
    for (const action of neverUsed(logicalId, accesses.values())) {
      process.stdout.write(`granted, and not used in this run: ${action} to ${name}\n`);
    }
  }
  expect(refused).toEqual([]);
  // Each asks for something: its configuration, or what it is for.
  expect(silent).toEqual([]);
}, 240_000);
