import { Option } from '@commander-js/extra-typings';
import { UsageError } from '../../local/command-line.ts';
import {
  durationUpTo,
  integrationArgument,
  jsonOption,
  namedStageOption,
  stageCommand,
  stageOption,
  wholeNumber,
} from '../shared/options.ts';
import type { Parent, Run } from '../shared/run.ts';
import { USUAL_WAIT_SECONDS } from './rotation.ts';

const SECRETS = `
The secret holds the partner's credentials: bearer_token, api_key, client_id, client_secret, headers. Each is read from
--secret-file, else from INTEGRATION_BEARER_TOKEN and so on, else the command asks for it. With client_certificate=true it
holds a certificate and its key too: from --certificate-file and --key-file, --secret-file, or INTEGRATION_CLIENT_CERTIFICATE
and INTEGRATION_CLIENT_KEY; the passphrase of an encrypted key from INTEGRATION_CLIENT_KEY_PASSPHRASE, else it is asked for.`;

const RELEASE = `
Parked deliveries are released at each integration's rate limit (10 a second where it has none, at most 100); with --all,
only those that the common pause kept back. With --no-release they wait until the reconciler releases them.`;

/** `./ltw integration …` */
export function addIntegrationCommands(program: Parent, run: Run): void {
  const integration = program.command('integration').description('partners: the integration registry and its secrets');
  integration
    .command('list')
    .description('lists the integrations, and the faults of their entries')
    .option('--file <file>', 'a document on disk instead of the stage’s')
    .addOption(stageOption().conflicts('file'))
    .addOption(jsonOption())
    .action((options) => run(async (context) => (await import('./list.ts')).list(options, context)));
  integration
    .command('validate')
    .description('prints every fault of the document and of the secrets; subscribes the contacts of a stage')
    .option('--file <file>', 'a document, or one entry, on disk; its secrets are read from the stage')
    .addOption(namedStageOption('the stage (default: local, which need not run with --file)'))
    .addOption(jsonOption())
    .action((options) => run(async (context) => (await import('./validate.ts')).validate(options, context)));
  stageCommand(integration, 'add', 'creates the secret and the entry, deploys it, and sends a test event')
    .option('--id <id>', 'the id of the new integration')
    .option('--url <url>', 'where its webhooks go')
    .option('--auth <type>', 'none, bearer, api_key or oauth2_client_credentials')
    .option('--auth-header <name>', 'the header of an API key')
    .option('--token-url <url>', 'the token server of OAuth2')
    .option('--token-request <form>', 'the body of a token request: json (default) or form')
    .option('--client-authentication <place>', 'where a token request has id and secret: body (default) or basic')
    .option('--scope <text>', 'the scope of OAuth2 (default: api); an empty text sends none')
    .option('--audience <text>', 'the audience of OAuth2, if the token server requires it')
    .addOption(
      new Option('--contact <address>', 'receives a mail when it is parked and resumes, repeatable')
        .default([], 'none')
        .argParser(collect),
    )
    .addOption(
      new Option('--set <key=value>', 'any other field, repeatable; a value that is not text is JSON')
        .default([], 'none')
        .argParser(collect),
    )
    .addOption(
      new Option('--file <file>', 'the entry as JSON, instead of the options above').conflicts([
        'id',
        'url',
        'auth',
        'authHeader',
        'tokenUrl',
        'tokenRequest',
        'clientAuthentication',
        'scope',
        'audience',
        'contact',
        'set',
      ]),
    )
    .option('--secret-file <file>', 'the partner’s credentials, as JSON')
    .option('--certificate-file <file>', 'the client certificate, as PEM: the own one, then its issuers')
    .option('--key-file <file>', 'the key of the client certificate, as PEM')
    .option('--keep-secret', 'uses the secret that exists')
    .option('--show-secret', 'prints the signing secret')
    .addHelpText('after', SECRETS)
    .action((options) => run(async (context) => (await import('./add.ts')).add(options, context)));
  stageCommand(integration, 'pause', 'parks deliveries at once; they consume no attempt')
    .addArgument(integrationArgument('[id]'))
    .option('--all', 'all integrations together')
    .action((id, { all, stage }) =>
      run(async (context) => (await import('./pause.ts')).pause({ stage, id: oneOrAll(id, all) }, context)),
    );
  stageCommand(
    integration,
    'resume',
    'ends a pause at once; for a single integration also resets that its endpoint is gone, failing or without a valid certificate. Then releases parked deliveries',
  )
    .addArgument(integrationArgument('[id]'))
    .option('--all', 'ends the common pause')
    .option('--no-release', 'releases no parked deliveries')
    .addHelpText('after', RELEASE)
    .action((id, { all, release, stage }) =>
      run(async (context) => (await import('./resume.ts')).resume({ stage, id: oneOrAll(id, all), release }, context)),
    );
  stageCommand(
    integration,
    'rotate',
    'replaces the signing secret step by step; run it again to continue after an interruption',
  )
    .addArgument(integrationArgument('<id>'))
    .option('--partner-has-switched', 'the partner verifies with the new secret: drops the old one')
    .option('--show-secret', 'prints the signing secret')
    .addOption(
      new Option('--wait-seconds <n>', 'wait until every function signs with both secrets')
        .default(USUAL_WAIT_SECONDS)
        .argParser(wholeNumber(0, 86_400)),
    )
    .addOption(
      new Option(
        '--grace <duration>',
        'returns at once: the old secret ends by itself after 30m, 24h or 7d, for example',
      )
        .argParser(durationUpTo(30))
        .conflicts(['partnerHasSwitched', 'waitSeconds']),
    )
    .action((id, options) => run(async (context) => (await import('./rotate.ts')).rotate(id, options, context)));
  stageCommand(
    integration,
    'change-credentials',
    'asks for the credentials that the partner gave, and stores them in the secret; every other key stays',
  )
    .addArgument(integrationArgument('<id>'))
    .action((id, options) =>
      run(async (context) => (await import('./change-credentials.ts')).changeCredentials(id, options, context)),
    );
  addCertificateCommands(integration, run);
}

/** The rotation of a client certificate, in the order of its steps; `send-test --next` is between the two. */
function addCertificateCommands(integration: Parent, run: Run): void {
  stageCommand(
    integration,
    'next-certificate',
    'stores the next client certificate beside the current one; only "send-test --next" presents it',
  )
    .addArgument(integrationArgument('<id>'))
    .option(
      '--certificate-file <file>',
      'PEM: the own certificate, then its issuers (or INTEGRATION_CLIENT_CERTIFICATE)',
    )
    .option('--key-file <file>', 'PEM of its key (or INTEGRATION_CLIENT_KEY)')
    .addHelpText(
      'after',
      '\nThe passphrase of an encrypted key is read from INTEGRATION_CLIENT_KEY_PASSPHRASE, else it is asked for.',
    )
    .action((id, options) =>
      run(async (context) => (await import('./next-certificate.ts')).nextCertificate(id, options, context)),
    );
  stageCommand(
    integration,
    'switch-certificate',
    'makes the next client certificate the current one, if a test event that presents it is delivered',
  )
    .addArgument(integrationArgument('<id>'))
    .option('--untested', 'switches without a test event')
    .action((id, options) =>
      run(async (context) => (await import('./switch-certificate.ts')).switchCertificate(id, options, context)),
    );
}

function collect(pair: string, before: readonly string[]): string[] {
  return [...before, pair];
}

/** @returns undefined for all integrations. @throws UsageError where it is both or neither */
function oneOrAll(id: string | undefined, isAll: boolean | undefined): string | undefined {
  if ((id === undefined) !== (isAll === true)) throw new UsageError('give the id of an integration, or --all');
  return id;
}
