import { signingSecretsOf } from '../../lambdas/partners/integration-secret.ts';
import type { SigningSecret } from '../../lambdas/partners/signing-periods.ts';
import { UsageError } from '../../local/command-line.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import type { Stage } from '../shared/stage.ts';
import { newSigningSecret } from './collect-secret.ts';
import { readDeployedIntegrations } from './deployed-integrations.ts';
import {
  howToReadSigningSecret,
  readSecret,
  type StoredSecret,
  secretName,
  writeSecret,
} from './integration-secrets.ts';
import { entryOf } from './integrations-document.ts';
import { readSecretFields } from './needed-secrets.ts';
import {
  formatEnd,
  nextStep,
  USUAL_WAIT_SECONDS,
  withEndOfOlder,
  withNewestSigningSecret,
  withNewSigningSecret,
  withoutEnded,
} from './rotation.ts';

export interface RotateOptions {
  readonly stage: string;
  readonly waitSeconds: number;
  /** The operator confirms it beforehand, where there is no terminal to ask. */
  readonly partnerHasSwitched?: true | undefined;
  readonly showSecret?: true | undefined;
  /** For how long webhooks are signed with the old secret too, in milliseconds; without it, until the partner has switched. */
  readonly grace?: number | undefined;
}

/**
 * `integration rotate`: replaces the signing secret so that no webhook fails its verification in between. The secret itself
 * shows which step is next, so the command may be ended at any point and run again.
 */
export async function rotate(id: string, options: RotateOptions, context: Context): Promise<number> {
  const { waitSeconds } = options;
  const { print } = context.terminal;
  if (options.stage === 'prod' && waitSeconds < USUAL_WAIT_SECONDS) {
    throw new UsageError(
      `--wait-seconds is at least ${USUAL_WAIT_SECONDS} for prod: functions cache a secret for 15 minutes`,
    );
  }
  if (options.stage === 'prod' && options.grace !== undefined && options.grace < USUAL_WAIT_SECONDS * 1000) {
    throw new UsageError(
      `--grace is at least ${USUAL_WAIT_SECONDS / 60}m for prod: functions cache a secret for 15 minutes, and sign with the old one alone until then`,
    );
  }
  const stage = await context.openStage(options.stage);
  entryOf((await readDeployedIntegrations(stage)).document, id);
  if (options.grace !== undefined) return rotateWithGrace(stage, id, options.grace, options.showSecret, context);
  let hasMade = false;
  let madeAtMs = 0;
  for (;;) {
    const stored = await storedSecret(stage, id, context.now());
    const { signingSecrets, removal } = stored;
    // This machine's clock may be ahead of the one that dates the secret.
    const writtenAtMs = Math.max(stored.writtenAtMs, madeAtMs);
    const next = nextStep({ signingSecrets, writtenAtMs, nowMs: context.now(), waitMs: waitSeconds * 1000 });
    if (next.step === 'make') {
      if (hasMade) throw new CommandFailed('the new signing secret was removed meanwhile: nothing more is changed');
      if (options.partnerHasSwitched) {
        throw new CommandFailed(
          `no rotation of ${id} is in progress, so there is no secret to switch to: begin without --partner-has-switched`,
        );
      }
      await writeSecret(stage, id, withNewSigningSecret(stored.fields, signingSecrets, newSigningSecret()));
      hasMade = true;
      madeAtMs = context.now();
      print(`1 of 4: a new signing secret is stored before the old one in ${secretName(stage, id)}${removal}`);
    } else if (next.step === 'wait') {
      print(formatWaiting(next.untilMs, waitSeconds, hasMade));
      await context.sleep(next.untilMs - context.now());
    } else {
      return (await hasPartnerSwitched(stage, id, stored, options, context)) ? dropOld(stage, id, stored, context) : 0;
    }
  }
}

/**
 * Stores a new signing secret, and an end of the old one: the functions stop signing with it by themselves. If two are stored
 * already, no further one is made, and the older gets the new end.
 */
async function rotateWithGrace(
  stage: Stage,
  id: string,
  graceMs: number,
  showSecret: true | undefined,
  context: Context,
): Promise<number> {
  const { print } = context.terminal;
  const { fields, signingSecrets, removal } = await storedSecret(stage, id, context.now());
  const isNew = signingSecrets.length < 2;
  const made = { secret: newSigningSecret(), notAfterMs: Number.POSITIVE_INFINITY };
  const [newest = made, ...older] = isNew ? [made, ...signingSecrets] : signingSecrets;
  const endMs = Math.ceil((context.now() + graceMs) / 1000) * 1000;
  await writeSecret(stage, id, withEndOfOlder(fields, [newest, ...older], endMs));
  const done = isNew
    ? `a new signing secret is stored before the old one in ${secretName(stage, id)}${removal}`
    : `two signing secrets are stored in ${secretName(stage, id)}, so no further one is made`;
  const bothBy = formatEnd(context.now() + USUAL_WAIT_SECONDS * 1000);
  const early =
    graceMs < USUAL_WAIT_SECONDS * 1000 ? ' Until then some functions may sign with the old one alone.' : '';
  const value = showSecret ? `\nsigning secret: ${newest.secret}` : '';
  print(`${done}
The old one ends at ${formatEnd(endMs)}, without a further command.
By ${bothBy} every webhook is signed with both.${early}
Give the partner the new signing secret over a private channel, and both times: it switches in between.
${howToReadSigningSecret(stage, id)}${value}
The same command with another --grace moves the end.`);
  return 0;
}

interface Usable extends StoredSecret {
  /** Those that sign, newest first. */
  readonly signingSecrets: readonly SigningSecret[];
  /** What the next write removes, for a sentence that reports the write. */
  readonly removal: string;
}

async function storedSecret(stage: Stage, id: string, nowMs: number): Promise<Usable> {
  const stored = await readSecret(stage, id);
  const name = secretName(stage, id);
  if (stored === undefined)
    throw new CommandFailed(`there is no secret ${name}, or it has no value: nothing to rotate`);
  const read = readSecretFields(stored.fields);
  if ('fault' in read) throw new CommandFailed(`the secret ${name} ${read.fault}`);
  const all = signingSecretsOf(stored.fields) ?? [];
  const signingSecrets = withoutEnded(all, nowMs);
  const removed = all.length - signingSecrets.length;
  const removal = removed === 0 ? '' : `; removed because it had ended: ${removed}`;
  return { ...stored, signingSecrets, removal };
}

function formatWaiting(untilMs: number, waitSeconds: number, hasMade: boolean): string {
  const until = new Date(untilMs).toTimeString().slice(0, 8);
  const begun = hasMade ? '' : 'a rotation is in progress and continues; ';
  const early =
    waitSeconds < USUAL_WAIT_SECONDS
      ? '\n        Functions cache a secret for 15 minutes, which is longer: until then some sign with the old one alone.'
      : '';
  return `2 of 4: ${begun}waiting until ${until}, when every function signs with both.${early}
        Ctrl-C does no harm: the same command continues from here.`;
}

/** Prints what the partner needs, and asks whether it has it. */
async function hasPartnerSwitched(
  stage: Stage,
  id: string,
  { signingSecrets }: Usable,
  { partnerHasSwitched, showSecret, waitSeconds }: RotateOptions,
  { terminal }: Context,
): Promise<boolean> {
  const { print } = terminal;
  const value = showSecret ? `\nsigning secret: ${signingSecrets[0]?.secret}` : '';
  print(`3 of 4: every webhook is signed with both. Give the partner the new signing secret over a private channel.
${howToReadSigningSecret(stage, id)}${value}`);
  if (partnerHasSwitched) return true;
  const answer = await terminal.ask('Press Enter when the partner verifies with the new one. ');
  if (answer !== undefined) return true;
  const wait = waitSeconds === USUAL_WAIT_SECONDS ? '' : ` --wait-seconds ${waitSeconds}`;
  const again = `./ltw integration rotate ${id} --stage ${stage.name}${wait} --partner-has-switched`;
  const endMs = Math.max(...signingSecrets.slice(1).map(({ notAfterMs }) => notAfterMs));
  const until = Number.isFinite(endMs) ? `ends at ${formatEnd(endMs)}, or once` : 'stays until';
  print(`The old one ${until} the partner has switched. Then: ${again}`);
  return false;
}

/** Drops all but the newest, unless the signing secrets were changed meanwhile. */
async function dropOld(stage: Stage, id: string, asked: Usable, { terminal, now }: Context): Promise<number> {
  const { fields, signingSecrets } = await storedSecret(stage, id, now());
  if (textOf(signingSecrets) !== textOf(asked.signingSecrets)) {
    throw new CommandFailed('the signing secrets were changed meanwhile: nothing was dropped. Look at them first');
  }
  await writeSecret(stage, id, withNewestSigningSecret(fields, signingSecrets));
  terminal.print(
    `4 of 4: the old signing secret is dropped. The rotation of ${id} is done; nothing else was deployed.`,
  );
  return 0;
}

function textOf(signingSecrets: readonly SigningSecret[]): string {
  return signingSecrets.map(({ secret }) => secret).join();
}
