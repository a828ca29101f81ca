import { integrationIdSchema } from '../lambdas/contract/event.ts';
import { readFlags, readNumber, UsageError } from '../local/command-line.ts';
import type { Context } from './context.ts';
import { add } from './integration/add.ts';
import { list } from './integration/list.ts';
import { pause } from './integration/pause.ts';
import { resume } from './integration/resume.ts';
import { rotate } from './integration/rotate.ts';
import { USUAL_WAIT_SECONDS } from './integration/rotation.ts';
import { validate } from './integration/validate.ts';
import { runCommand } from './run-command.ts';

export const INTEGRATION_USAGE = `usage: npm run integration -- COMMAND [--stage NAME]
  list [--file FILE]       the integrations, and what of them does not fit
  validate [--file FILE]   every fault of the document (or of one entry, by --file), and of the secrets
  add --id ID --url URL    makes secret and entry, deploys it, and sends a test event
      [--auth none|bearer|api_key|oauth2_client_credentials] [--auth-header NAME] [--token-url URL] [--scope TEXT]
      [--set KEY=VALUE]…   any other field of the entry; a value that is no text, as JSON
  add --file FILE          the same, with the entry as JSON
      [--secret-file FILE] what the partner gave (bearer_token, api_key, client_id, client_secret, headers), as JSON;
                           else from INTEGRATION_BEARER_TOKEN and so on, else it is asked for
      [--keep-secret]      uses the secret that is there   [--show-secret]  prints the signing secret
  pause ID | --all         at once: events sleep and spend no try
  resume ID | --all        at once; of ID also forgets that it was gone or failing. Then releases what is parked, asleep or
                           at rest (of --all only what the pause alone kept back), as fast as each integration's rate
                           limit allows (10 a second where it has none, 100 at the most)
      [--no-release]       what is parked waits: until it wakes, or until the reconciler releases it
  rotate ID                a new signing secret, step by step; run again, it goes on where it was
      [--show-secret] [--partner-has-switched] [--wait-seconds N, default ${USUAL_WAIT_SECONDS}]
  --stage NAME             local (default; the platform that "npm start" runs), dev, staging, prod`;

const STAGE = { stage: { type: 'string', default: 'local' } } as const;

/** `npm run integration`. @throws UsageError; CommandFailed */
export async function integration([command, ...words]: readonly string[], context: Context): Promise<number> {
  switch (command) {
    case 'list':
    case 'validate': {
      const { stage, file } = readFlags(words, { stage: { type: 'string' }, file: { type: 'string' } });
      if (command === 'validate') return validate({ stage, file }, context);
      if (stage !== undefined && file !== undefined) throw new UsageError('--stage or --file, not both');
      return list({ stage, file }, context);
    }
    case 'add':
      return add(readAddOptions(words), context);
    case 'pause':
    case 'resume': {
      const [id, ...flags] = idAndFlags(words);
      const values = readFlags(flags, {
        ...STAGE,
        all: { type: 'boolean', default: false },
        ...(command === 'resume' && { 'no-release': { type: 'boolean', default: false } }),
      });
      const { stage, all } = values;
      if ((id === undefined) !== all) throw new UsageError(`${command} takes the id of an integration, or --all`);
      if (command === 'pause') return pause({ stage, id }, context);
      return resume({ stage, id, isReleasing: values['no-release'] !== true }, context);
    }
    case 'rotate':
      return rotate(readRotateOptions(words), context);
    default:
      throw new UsageError(command === undefined ? 'no command given' : `there is no command ${command}`);
  }
}

function readAddOptions(words: readonly string[]) {
  const values = readFlags(words, {
    ...STAGE,
    file: { type: 'string' },
    id: { type: 'string' },
    url: { type: 'string' },
    auth: { type: 'string' },
    'auth-header': { type: 'string' },
    'token-url': { type: 'string' },
    scope: { type: 'string' },
    set: { type: 'string', multiple: true, default: [] },
    'secret-file': { type: 'string' },
    'keep-secret': { type: 'boolean', default: false },
    'show-secret': { type: 'boolean', default: false },
  });
  const { stage, file, id, url, auth, scope, set } = values;
  return {
    ...{ stage, file, id, url, auth, scope, set },
    authHeader: values['auth-header'],
    tokenUrl: values['token-url'],
    secretFile: values['secret-file'],
    keepsSecret: values['keep-secret'],
    showsSecret: values['show-secret'],
  };
}

function readRotateOptions(words: readonly string[]) {
  const [id, ...flags] = idAndFlags(words);
  if (id === undefined) throw new UsageError('rotate takes the id of an integration');
  const values = readFlags(flags, {
    ...STAGE,
    'wait-seconds': { type: 'string', default: String(USUAL_WAIT_SECONDS) },
    'partner-has-switched': { type: 'boolean', default: false },
    'show-secret': { type: 'boolean', default: false },
  });
  const { stage } = values;
  const waitSeconds = readNumber('wait-seconds', values['wait-seconds'], 0, 86_400);
  if (stage === 'prod' && waitSeconds < USUAL_WAIT_SECONDS) {
    throw new UsageError(
      `--wait-seconds is at least ${USUAL_WAIT_SECONDS} for prod: functions keep a secret for 15 minutes`,
    );
  }
  return {
    ...{ id, stage, waitSeconds },
    hasSwitched: values['partner-has-switched'],
    showsSecret: values['show-secret'],
  };
}

/** The id where the first word is one; all that is left are options. @throws UsageError where it is no id */
function idAndFlags(words: readonly string[]): readonly [string | undefined, ...string[]] {
  const [first, ...others] = words;
  if (first === undefined || first.startsWith('-')) return [undefined, ...words];
  if (!integrationIdSchema.safeParse(first).success)
    throw new UsageError(`${first} cannot be the id of an integration`);
  return [first, ...others];
}

if (import.meta.main) await runCommand(integration, INTEGRATION_USAGE);
