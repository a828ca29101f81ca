import { hasNextPair } from '../../lambdas/partners/client-certificate.ts';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { withNextAsCurrent } from './certificate-rotation.ts';
import { readDeployedIntegrations } from './deployed-integrations.ts';
import { secretName, writeSecret } from './integration-secrets.ts';
import { entryOf, readEntry } from './integrations-document.ts';
import { storedSecret, usableNextPair } from './next-certificate.ts';
import { sendTestEvent } from './test-event.ts';

export interface SwitchCertificateOptions {
  readonly stage: string;
  /** Switches without a test event. */
  readonly untested?: true | undefined;
}

/**
 * `integration switch-certificate`: makes the next client certificate the current one, after a test event that presents it
 * was delivered. The pair before stays in the secret's version AWSPREVIOUS only.
 *
 * @returns 1 where the test event was not delivered; nothing was changed then
 */
export async function switchCertificate(
  id: string,
  { stage: stageName, untested }: SwitchCertificateOptions,
  context: Context,
): Promise<number> {
  const { print } = context.terminal;
  const stage = await context.openStage(stageName);
  const read = readEntry(entryOf((await readDeployedIntegrations(stage)).document, id));
  const isPresented = 'integration' in read && read.integration.client_certificate;
  const name = secretName(stage, id);
  const { fields: before } = await storedSecret(stage, id);
  if (!hasNextPair(before)) {
    throw new CommandFailed(`${name} has no next pair: store it with "./ltw integration next-certificate ${id}" first`);
  }
  const tested = usableNextPair(id, before, context.now());
  if (isPresented && !untested && !(await sendTestEvent(stage, id, context, { pair: 'next' }))) {
    print('\nNothing was changed. To switch nevertheless: --untested');
    return 1;
  }
  const { fields } = await storedSecret(stage, id);
  if (usableNextPair(id, fields, context.now()).id !== tested.id) {
    throw new CommandFailed('the next pair was changed meanwhile: nothing was switched. Try again');
  }
  await writeSecret(stage, id, withNextAsCurrent(fields));
  print(`the next client certificate is the current one in ${name}. Functions present it within 15 minutes.`);
  if (!isPresented) print(`The entry ${id} presents none yet: client_certificate is not true.`);
  print('The partner should accept the old one for 20 more minutes.');
  return 0;
}
