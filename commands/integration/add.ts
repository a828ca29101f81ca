import { credentialsOf } from '../../lambdas/partners/credentials.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { deployChange, POLL_INTERVAL_MS } from '../appconfig/deployed-document.ts';
import { untilFree, untilServed } from '../appconfig/deployments.ts';
import type { Context } from '../shared/context.ts';
import { awsFailure, CommandFailed, whereOf } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';
import { collectSecret, type SecretFiles } from './collect-secret.ts';
import { subscribeContacts } from './contacts.ts';
import { INTEGRATIONS, readDeployedIntegrations } from './deployed-integrations.ts';
import { createSecret, howToReadSigningSecret, readSecret, secretName } from './integration-secrets.ts';
import { entryFaults, readEntry, withNewEntry } from './integrations-document.ts';
import { readSecretFields, secretFault } from './needed-secrets.ts';
import { type EntryOptions, newEntry } from './new-entry.ts';
import { sendTestEvent } from './test-event.ts';

export interface AddOptions extends EntryOptions, SecretFiles {
  readonly stage: string;
  /** Uses the secret that exists. */
  readonly keepSecret?: true | undefined;
  readonly showSecret?: true | undefined;
}

/**
 * `integration add`: creates the secret, then deploys the entry, so that no event is sent without credentials; then sends a
 * test event.
 *
 * @returns 1 where the test event was not delivered
 */
export async function add(options: AddOptions, context: Context): Promise<number> {
  const entry = newEntry(options);
  const read = readEntry(entry);
  const faults = entryFaults(entry);
  if ('faults' in read || faults.length > 0)
    throw new CommandFailed(`the entry does not fit:\n  ${faults.join('\n  ')}`);
  const { integration } = read;
  const { id } = integration;
  const hasPairFiles = options.certificateFile !== undefined || options.keyFile !== undefined;
  if (hasPairFiles && !integration.client_certificate)
    throw new CommandFailed(
      'a certificate or key file is for an entry with client_certificate=true. Nothing was changed.',
    );

  const stage = await context.openStage(options.stage);
  await untilFree(stage, context, INTEGRATIONS);
  withNewEntry((await readDeployedIntegrations(stage)).document, entry);
  const fields = await createOrKeepSecret(stage, integration, options, context);
  await deployEntry(stage, entry, id, context);
  await subscribe(stage, id, context);

  const handOver = formatHandOver(stage, integration, fields, options.showSecret);
  const again = `To test again: ./ltw send-test --integration ${id} --stage ${stage.name}`;
  const inPlace = `Integration ${id} is in place and active`;
  const isDelivered = await withAdvice(stage, `${inPlace}; it was not tested. ${again}\n${handOver}`, () =>
    sendTestEvent(stage, id, context),
  );
  const { print } = context.terminal;
  print(`\n${handOver}`);
  if (!isDelivered) print(`\n${inPlace}, but its test event was not delivered. ${again}`);
  return isDelivered ? 0 : 1;
}

/** A failure ends nothing: the integration works without its contacts. */
async function subscribe(stage: Stage, id: string, { terminal }: Context): Promise<void> {
  try {
    const { document } = await readDeployedIntegrations(stage);
    for (const line of await subscribeContacts(document, stage, id)) terminal.print(line);
  } catch (thrown) {
    const reason = thrown instanceof CommandFailed ? thrown.message : awsFailure(thrown, whereOf(stage.name));
    if (reason === undefined) throw thrown;
    terminal.print(`Its contacts are not subscribed: ${reason}`);
  }
}

/** @returns the secret's fields. @throws CommandFailed; nothing was changed then */
async function createOrKeepSecret(
  stage: Stage,
  integration: Integration,
  { keepSecret, secretFile, certificateFile, keyFile }: AddOptions,
  context: Context,
): Promise<Readonly<Record<string, unknown>>> {
  const { print } = context.terminal;
  const name = secretName(stage, integration.id);
  const kept = await readSecret(stage, integration.id);
  if (kept === undefined) {
    const fields = await collectSecret(integration, { secretFile, certificateFile, keyFile }, context);
    await createSecret(stage, integration.id, fields);
    print(`the secret ${name} is created`);
    return fields;
  }
  if (!keepSecret) {
    throw new CommandFailed(`there is a secret ${name} already: --keep-secret uses it. Nothing was changed.`);
  }
  const fault = secretFault(integration, kept.fields, context.now());
  if (fault !== undefined) throw new CommandFailed(`${name}: ${fault}`);
  print(`the secret ${name} is used as it is`);
  return kept.fields;
}

/** Returns once functions have the entry. */
async function deployEntry(
  stage: Stage,
  entry: Readonly<Record<string, unknown>>,
  id: string,
  context: Context,
): Promise<void> {
  const created = `The secret ${secretName(stage, id)} exists`;
  const deployment = await withAdvice(
    stage,
    `${created}, the entry ${id} is not deployed. To continue: the same command with --keep-secret.`,
    () =>
      deployChange(
        INTEGRATIONS,
        stage,
        {
          edit: (document) => withNewEntry(document, entry),
          description: `add integration ${id}`,
        },
        context,
      ),
  );
  if (deployment === undefined) return;
  const look = `./ltw integration list --stage ${stage.name}`;
  await withAdvice(
    stage,
    `${created}, deployment ${deployment} was started. To see whether ${id} is deployed: ${look}`,
    () => untilServed(stage, deployment, context, INTEGRATIONS),
  );
  context.terminal.print(`functions notice within ${POLL_INTERVAL_MS / 1000} s …`);
  await context.sleep(POLL_INTERVAL_MS);
}

/** Runs a step. An expected failure gets advice after its reason: what was done so far, and how to continue. */
async function withAdvice<T>(stage: Stage, advice: string, step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (thrown) {
    const reason = thrown instanceof CommandFailed ? thrown.message : awsFailure(thrown, `stage ${stage.name}`);
    throw reason === undefined ? thrown : new CommandFailed(`${reason}\n${advice}`);
  }
}

function formatHandOver(
  stage: Stage,
  integration: Integration,
  fields: Readonly<Record<string, unknown>>,
  showSecret: boolean | undefined,
): string {
  const read = readSecretFields(fields);
  const credentials = 'secret' in read ? credentialsOf(integration, read.secret) : undefined;
  const encryptionKey =
    credentials !== undefined && 'encryptionKey' in credentials ? credentials.encryptionKey : undefined;
  const lines = [
    'Give the partner the signing secret over a private channel.',
    howToReadSigningSecret(stage, integration.id),
  ];
  if (encryptionKey !== undefined) {
    lines.push('The partner also needs encryption_key of the same secret, to decrypt fields.');
  }
  if (!showSecret || !('secret' in read)) return lines.join('\n');
  lines.push(`signing secret: ${read.secret.signing_secrets[0]}`);
  if (encryptionKey !== undefined) lines.push(`encryption key: ${encryptionKey}`);
  return lines.join('\n');
}
