import type { IntegrationSecret } from '../../lambdas/partners/integration-secret.ts';
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
import { nextStep, USUAL_WAIT_SECONDS, withNewestSigningSecret, withNewSigningSecret } from './rotation.ts';

export interface RotateOptions {
  readonly stage: string;
  readonly waitSeconds: number;
  /** The operator confirms it beforehand, where there is no terminal to ask. */
  readonly partnerHasSwitched?: true | undefined;
  readonly showSecret?: true | undefined;
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
  const stage = await context.openStage(options.stage);
  entryOf((await readDeployedIntegrations(stage)).document, id);
  let hasMade = false;
  let madeAtMs = 0;
  for (;;) {
    const stored = await storedSecret(stage, id);
    const { signing_secrets: signingSecrets } = stored.secret;
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
      print(`1 of 4: a new signing secret is stored before the old one in ${secretName(stage, id)}`);
    } else if (next.step === 'wait') {
      print(formatWaiting(next.untilMs, waitSeconds, hasMade));
      await context.sleep(next.untilMs - context.now());
    } else {
      return (await hasPartnerSwitched(stage, id, stored, options, context)) ? dropOld(stage, id, stored, print) : 0;
    }
  }
}

type Usable = StoredSecret & { readonly secret: IntegrationSecret };

async function storedSecret(stage: Stage, id: string): Promise<Usable> {
  const stored = await readSecret(stage, id);
  const name = secretName(stage, id);
  if (stored === undefined)
    throw new CommandFailed(`there is no secret ${name}, or it has no value: nothing to rotate`);
  const read = readSecretFields(stored.fields);
  if ('fault' in read) throw new CommandFailed(`the secret ${name} ${read.fault}`);
  return { ...stored, secret: read.secret };
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
  { secret }: Usable,
  { partnerHasSwitched, showSecret, waitSeconds }: RotateOptions,
  { terminal }: Context,
): Promise<boolean> {
  const { print } = terminal;
  const value = showSecret ? `\nsigning secret: ${secret.signing_secrets[0]}` : '';
  print(`3 of 4: every webhook is signed with both. Give the partner the new signing secret over a private channel.
${howToReadSigningSecret(stage, id)}${value}`);
  if (partnerHasSwitched) return true;
  const answer = await terminal.ask('Press Enter when the partner verifies with the new one. ');
  if (answer !== undefined) return true;
  const wait = waitSeconds === USUAL_WAIT_SECONDS ? '' : ` --wait-seconds ${waitSeconds}`;
  const again = `./ltw integration rotate ${id} --stage ${stage.name}${wait} --partner-has-switched`;
  print(`The old one stays until the partner has switched. Then: ${again}`);
  return false;
}

/** Drops all but the newest, unless the signing secrets were changed meanwhile. */
async function dropOld(stage: Stage, id: string, asked: Usable, print: (text: string) => void): Promise<number> {
  const stored = await storedSecret(stage, id);
  const { signing_secrets: now } = stored.secret;
  if (now.join() !== asked.secret.signing_secrets.join()) {
    throw new CommandFailed('the signing secrets were changed meanwhile: nothing was dropped. Look at them first');
  }
  await writeSecret(stage, id, withNewestSigningSecret(stored.fields, now));
  print(`4 of 4: the old signing secret is dropped. The rotation of ${id} is done; nothing else was deployed.`);
  return 0;
}
