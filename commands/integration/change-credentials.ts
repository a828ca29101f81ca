import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { withValue } from './collect-secret.ts';
import { readDeployedIntegrations } from './deployed-integrations.ts';
import { secretName, writeSecret } from './integration-secrets.ts';
import { entryOf, readEntry } from './integrations-document.ts';
import { neededSecrets, secretFault } from './needed-secrets.ts';
import { storedSecret } from './next-certificate.ts';

/**
 * `integration change-credentials`: asks for what the partner gave, without an echo, and stores it. Every other key stays, as
 * does a value for which nothing is typed. Not from the environment: an old value there would be stored again.
 */
export async function changeCredentials(
  id: string,
  { stage: stageName }: { readonly stage: string },
  context: Context,
): Promise<number> {
  const { terminal, now } = context;
  const stage = await context.openStage(stageName);
  const read = readEntry(entryOf((await readDeployedIntegrations(stage)).document, id));
  if ('faults' in read) throw new CommandFailed(`the entry of ${id} does not fit: ${read.faults.join('; ')}`);
  const needed = neededSecrets(read.integration);
  if (needed.length === 0) throw new CommandFailed(`${id} needs no credentials: its auth is none`);
  const before = await storedSecret(stage, id);
  let { fields } = before;
  const changed: string[] = [];
  for (const one of needed) {
    const name = one.path.join('.');
    const value = await terminal.askHidden(`${name} (hidden, empty keeps the current one): `);
    if (value === undefined) throw new CommandFailed(`${name} was not typed: nothing is stored`);
    if (value === '') continue;
    fields = withValue(fields, one, value);
    changed.push(name);
  }
  if (changed.length === 0) {
    terminal.print('nothing to do: nothing was typed');
    return 0;
  }
  const fault = secretFault(read.integration, fields, now());
  if (fault !== undefined) throw new CommandFailed(`the secret would not be usable: ${fault}`);
  const latest = await storedSecret(stage, id);
  if (JSON.stringify(latest.fields) !== JSON.stringify(before.fields)) {
    throw new CommandFailed('the secret was changed meanwhile: nothing is stored. Try again');
  }
  await writeSecret(stage, id, fields);
  terminal.print(`changed in ${secretName(stage, id)}: ${changed.join(', ')}
Test events use it at once; deliveries within 15 minutes, or as soon as the partner responds 401.
To try it: ./ltw send-test --integration ${id} --stage ${stage.name}`);
  return 0;
}
