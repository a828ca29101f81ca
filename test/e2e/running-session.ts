import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SendMessageBatchCommand } from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, expect } from '@jest/globals';
import { runProgram } from '../../commands/main.ts';
import { noteInterruption } from '../../commands/shared/interruption.ts';
import { openStage, type Stage } from '../../commands/shared/stage.ts';
import { webhookId } from '../../lambdas/events/identity.ts';
import { FLAG_KEY } from '../../lambdas/flag/flag-document.ts';
import { FLAG_SEED } from '../../lib/flag-seed.ts';
import type { Truthy } from '../../local/clock/clock.ts';
import { writeState } from '../../local/control/state-file.ts';
import { type DeadLetter, type LogFields, readLogs } from '../../local/demo/evidence.ts';
import { output } from '../../local/demo/operator.ts';
import type { Receipt } from '../../local/demo/partner.ts';
import { ENTERPRISE, enrollment, LEARNER } from '../../local/demo/sample-events.ts';
import { type Session, type SessionOptions, startSession } from '../../local/demo/session.ts';
import type { Platform } from '../../local/platform.ts';
import { LOCAL_CREDENTIALS } from '../../local/sqs/queues.ts';
import { LOCAL_ASSEMBLY } from '../../local/synthesize.ts';
import { until as untilReal } from '../support/assembly.ts';
import { lives } from '../support/processes.ts';

// `until` fails after a minute of real time, with a message that names its condition.

/** The pipeline of the synthesized stage `local` for the tests of one file, which `npm test` has synthesized before. */
export function runningSession(options: Partial<SessionOptions> & { flag?: 'on' } = {}): () => Session {
  let session: Session | undefined;
  beforeAll(async () => {
    session = await startSession({ assemblyDirectory: LOCAL_ASSEMBLY, ...options });
    if (options.flag === 'on') session.switchFlag(true);
  });
  afterAll(() => session?.stop(), 30_000);
  return () => {
    if (session === undefined) throw new Error('the platform did not start');
    return session;
  };
}

/** A signature as curl makes it, for the operators' routes. */
export const SIGNED = `AWS4-HMAC-SHA256 Credential=local/20260115/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=${'0'.repeat(64)}`;

/** Deploys the flag as the stack seeds it, with these values. */
export function deployFlag(platform: Platform, values: object): void {
  platform.appConfig.deploy(
    output(platform, 'AppConfigApplicationId'),
    output(platform, 'FlagsEnvironmentId'),
    output(platform, 'FlagsProfileId'),
    JSON.stringify({ ...FLAG_SEED, values: { [FLAG_KEY]: { ...FLAG_SEED.values[FLAG_KEY], ...values } } }),
  );
}

/** What a command prints that an operator runs against the running platform, line by line, and its status. */
export async function runCommand({ platform }: Session, words: readonly string[]) {
  const { outputs, endpoints, controlPlane } = platform;
  const directory = mkdtempSync(join(tmpdir(), 'command-'));
  const stateFile = join(directory, 'platform.json');
  writeState(stateFile, { pid: process.pid, control: controlPlane.endpoint, clock_offset_ms: 0, endpoints, outputs });
  const lines: string[] = [];
  const ask = async () => undefined;
  const progress = { isTTY: false, write: () => true };
  const print = (text: string) => void lines.push(...text.split('\n'));
  const opened: Stage[] = [];
  try {
    const status = await runProgram(words, {
      terminal: { isInteractive: false, progress, print, ask, askHidden: ask, close: () => {} },
      variables: {},
      async openStage(name) {
        const stage = await openStage(name, {}, stateFile);
        opened.push(stage);
        return stage;
      },
      now: Date.now,
      sleep: async () => {},
      noteInterruption,
    });
    return { status, lines };
  } finally {
    for (const stage of opened) stage.close();
    rmSync(directory, { recursive: true });
  }
}

/** What partners received of one event. */
export function receiptsOf(session: Session, integrationId: string, eventId: string): readonly Receipt[] {
  const id = webhookId(integrationId, eventId);
  return session.partner.receipts.filter(({ headers }) => headers['webhook-id'] === id);
}

/** Lines that functions logged under one message. */
export async function logged(session: Session, message: string): Promise<readonly LogFields[]> {
  const { logs } = await session.evidence([]);
  return logs.filter((line) => line.message === message);
}

export function learningTimeOf(receipt: Receipt | undefined): { total_seconds: number } | undefined {
  return JSON.parse(receipt?.body ?? '{}').learning_time;
}

/** SQS takes ten messages a call. */
const MESSAGES_PER_CALL = 10;

/** Publishes events so that ten of them at a time arrive together: one function takes them. */
export async function publishTogether({ platform }: Session, events: readonly object[]): Promise<void> {
  for (let from = 0; from < events.length; from += MESSAGES_PER_CALL) {
    const Entries = events.slice(from, from + MESSAGES_PER_CALL).map((event, index) => ({
      Id: String(index),
      MessageBody: JSON.stringify(event),
      MessageGroupId: ENTERPRISE,
    }));
    const QueueUrl = output(platform, 'EventsQueueUrl');
    const { Failed = [] } = await platform.queues.client.send(new SendMessageBatchCommand({ QueueUrl, Entries }));
    if (Failed.length > 0) throw new Error(`SQS did not take ${Failed.length} messages`);
  }
}

/** Publishes events together that are delivered as they are, since nothing is added to enrollments. */
export function publishTo(session: Session, integrationId: string, eventIds: readonly string[]): Promise<void> {
  return publishTogether(
    session,
    eventIds.map((id) => enrollment(id, integrationId, LEARNER.known)),
  );
}

/** Lines about one event that functions logged under one message, oldest first: `delivery.attempted` for each attempt. */
export function linesOf(
  session: Session,
  message: string,
  integrationId: string,
  eventId: string,
): readonly LogFields[] {
  const id = webhookId(integrationId, eventId);
  return readLogs(session.platform)
    .filter((line) => line.message === message && line.webhook_id === id)
    .toSorted((one, other) => Date.parse(String(one.timestamp)) - Date.parse(String(other.timestamp)));
}

/** Until deliveries have ended, each after attempts with just these outcomes. */
export async function waitForAttempts(
  session: Session,
  integrationId: string,
  eventIds: readonly string[],
  outcomes: readonly string[],
): Promise<void> {
  const outcomesOf = (eventId: string) =>
    linesOf(session, 'delivery.attempted', integrationId, eventId).map(({ outcome }) => outcome);
  await until(session, () => eventIds.every((id) => outcomesOf(id).length >= outcomes.length));
  await session.skip(0);
  expect(eventIds.map(outcomesOf)).toEqual(eventIds.map(() => outcomes));
}

/** Until a delivery is parked, and nothing more happens before it is due. @returns the reason */
export async function waitForParking(session: Session, integrationId: string, eventId: string): Promise<unknown> {
  const line = await until(session, () => linesOf(session, 'delivery.parked', integrationId, eventId)[0]);
  await session.skip(0);
  return line.reason;
}

/** Expects that a delivery was parked for these reasons and times (up to 10% more or less), and sent after the last one. */
export function expectParkings(
  session: Session,
  integrationId: string,
  eventId: string,
  parkings: readonly (readonly [reason: string, seconds: number])[],
): void {
  const lines = linesOf(session, 'delivery.parked', integrationId, eventId);
  const parkedMs = lines.map(({ timestamp, due_at }) => Date.parse(String(due_at)) - Date.parse(String(timestamp)));
  const isInTime = parkings.map(([, seconds], index) => Math.abs(Number(parkedMs[index]) / 1000 / seconds - 1) < 0.11);
  expect(lines.map(({ reason }) => reason)).toEqual(parkings.map(([reason]) => reason));
  expect(isInTime).toEqual(parkings.map(() => true));
  const sentAt = receiptsOf(session, integrationId, eventId).at(-1)?.received_at;
  expect(Date.parse(String(sentAt))).toBeGreaterThanOrEqual(Date.parse(String(lines.at(-1)?.due_at)));
}

/** Dead letters of the deliveries queue for one integration. */
export async function deadLettersOf(session: Session, integrationId: string): Promise<readonly DeadLetter[]> {
  const { deliveryDeadLetters } = await session.evidence([]);
  return deliveryDeadLetters.filter(({ body }) => JSON.parse(body).integration_id === integrationId);
}

/**
 * Deploys the integrations as they were at first, with changes to the document and, by id, to entries.
 *
 * @throws DeploymentRefused where the validator of the template does not take it
 */
export function redeploy(
  { platform, integrations }: Session,
  changes: Readonly<Record<string, object>>,
  document: object = {},
): void {
  const entries = [...integrations.byId.values()].map((entry) => ({ ...entry, ...changes[entry.id] }));
  platform.appConfig.deploy(
    output(platform, 'AppConfigApplicationId'),
    output(platform, 'IntegrationsEnvironmentId'),
    output(platform, 'IntegrationsProfileId'),
    JSON.stringify({ ...document, integrations: entries }),
  );
}

/** Stores a new value of an integration's secret, as operators' commands do. */
export async function storeSecret({ platform }: Session, integrationId: string, secret: object): Promise<void> {
  const client = new SecretsManagerClient({
    endpoint: String(platform.endpoints.AWS_ENDPOINT_URL_SECRETS_MANAGER),
    region: 'us-east-1',
    credentials: LOCAL_CREDENTIALS,
  });
  const SecretId = `${output(platform, 'IntegrationSecretsPrefix')}${integrationId}`;
  await client.send(new PutSecretValueCommand({ SecretId, SecretString: JSON.stringify(secret) }));
  client.destroy();
}

/** Ends every environment of both delivery functions, busy or not: new ones have nothing of what those cached. */
export async function endDeliveryFunctions({ platform }: Session): Promise<void> {
  const pools = ['deliver-batch', 'deliver-task'].map((name) => platform.functions.find(name));
  const processes = pools.flatMap((pool) => pool.processIds());
  for (const pool of pools) pool.killAll();
  await untilReal(() => processes.every((pid) => !lives(pid)));
}

/**
 * Lets a session's clock go on until a probe returns something truthy, and returns it: see `Clock.until`. A test that needs
 * more than four days says so.
 */
export function until<T>(session: Session, probe: () => T | Promise<T>, withinMs?: number): Promise<Truthy<T>> {
  return session.until('what the test waits for', probe, withinMs === undefined ? {} : { withinMs });
}
