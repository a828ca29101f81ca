import { execFileSync } from 'node:child_process';
import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { neededSecrets } from '../../commands/integration/needed-secrets.ts';
import { runProgram } from '../../commands/main.ts';
import { acceptEvent } from '../../lambdas/enrichment/accept-event.ts';
import { eventSchema } from '../../lambdas/events/event.ts';
import { evaluateFlag, parseFlag } from '../../lambdas/flag/evaluate-flag.ts';
import { FLAG_KEY, flagSchema } from '../../lambdas/flag/flag-document.ts';
import { CERTIFICATE_KEYS } from '../../lambdas/partners/client-certificate.ts';
import { integrationSchema, integrationsDocumentSchema } from '../../lambdas/partners/integration.ts';
import { readIntegrations } from '../../lambdas/partners/integration-registry.ts';
import { integrationSecretSchema } from '../../lambdas/partners/integration-secret.ts';
import { snowflakeSecretSchema } from '../../lambdas/warehouse/snowflake-secret.ts';
import { FLAG_SEED } from '../../lib/flag-seed.ts';
import { flattenFlags } from '../../local/appconfig/feature-flags.ts';
import { jsonSchemaValidator } from '../../local/appconfig/json-schema-validator.ts';
import { startOperatorWorld } from '../commands/operator-world.ts';
import { eachTest } from '../support/each-test.ts';
import { resourcesOf, synthesize } from '../support/synthesized-stack.ts';
import { integrationFields } from './integration-fields.ts';

const ROOT = join(import.meta.dirname, '../..');
const TUTORIAL = 'deploy/tutorial.md';
const REFERENCE = 'deploy/reference.md';
/** The pages about deploying, by their paths in docs/: the tutorial first. */
const pages = new Map(
  [...globSync(['deploy/*.md', 'how-to/*.md'], { cwd: join(ROOT, 'docs') })]
    .sort((one, other) => Number(other === TUTORIAL) - Number(one === TUTORIAL) || one.localeCompare(other))
    .map((path) => [path, readFileSync(join(ROOT, 'docs', path), 'utf8')]),
);
const guide = [...pages.values()].join('\n');

/** Code of the pages' fenced blocks of one language, without the indentation of the list that they are in. */
function blocks(language: string): string[] {
  const fence = new RegExp(`^( *)\`\`\`${language}\\n(.*?)^\\1\`\`\`$`, 'gms');
  return [...guide.matchAll(fence)].map(([, indent = '', code = '']) =>
    code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

const template = synthesize('dev');
/** Of the integrations, as AppConfig has it. */
const VALIDATOR = String(
  resourcesOf(template, 'AWS::AppConfig::ConfigurationProfile').find(
    ([, { Properties }]) => Properties.Name === 'integrations',
  )?.[1].Properties.Validators[0].Content,
);

const shell = blocks('sh').join('\n');

/** Files that the pages write with `cat > NAME <<'EOF'`. */
const files = new Map(
  [...shell.matchAll(/^cat > (\S+) <<'EOF'\n(.*?)^EOF$/gms)].map(([, name = '', text = '']) => [name, text]),
);

function file(name: string): string {
  const text = files.get(name);
  if (text === undefined) throw new Error(`no page writes ${name}`);
  return text;
}

/** All that a pattern's first group matches in a text, each once. */
function mentions(pattern: RegExp, text: string): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, found = '']) => found))].sort();
}

/** The text of a page under a heading, up to the next one. */
function section(page: string, heading: string): string {
  const [, text] = (pages.get(page) ?? '').split(`\n${heading}\n`);
  if (text === undefined) throw new Error(`${page} has no ${heading}`);
  return text.split(/^##/m)[0] ?? '';
}

/** A table's rows that begin with code: the cells. */
function rows(text: string): string[][] {
  return [...text.matchAll(/^\| (`.*) \|$/gm)].map(([, cells = '']) => cells.split(' | '));
}

function code(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}

describe('the files that the pages write', () => {
  test('are JSON where their names say so', () => {
    for (const [name, text] of files) if (name.endsWith('.json')) expect(JSON.parse(text)).toBeInstanceOf(Object);
  });

  test('integrations.json is taken by the validator in the template, and read as it stands', () => {
    const text = file('integrations.json');
    expect(jsonSchemaValidator(VALIDATOR)(text)).toEqual([]);
    expect(integrationsDocumentSchema.parse(JSON.parse(text))).toMatchObject(JSON.parse(text));
  });

  test('event.json is accepted for that integration', () => {
    const text = file('event.json');
    expect(eventSchema.safeParse(JSON.parse(text)).success).toBe(true);
    const registry = readIntegrations(file('integrations.json'), undefined);
    const subject = { integration_id: 'skillsoft', user_id: '12345' };
    expect(acceptEvent(text, registry, Date.now())).toMatchObject({ verdict: 'accepted', subject });
  });

  test('flag.json keeps the seed’s attributes, and is on for the test event’s enterprise and no other', () => {
    const text = file('flag.json');
    expect(JSON.parse(text).flags).toEqual(FLAG_SEED.flags);
    const flattened = flattenFlags(text);
    if ('faults' in flattened) throw new Error(flattened.faults.join('; '));
    const { flag, faults } = parseFlag(flattened.content);
    expect(faults).toEqual([]);
    expect(flag).toEqual(flagSchema.parse(JSON.parse(text).values[FLAG_KEY]));
    const { enterprise } = JSON.parse(file('event.json')).payload;
    expect(evaluateFlag(flag, enterprise.enterprise_customer_uuid).isOn).toBe(true);
    expect(evaluateFlag(flag, '00000000-0000-0000-0000-000000000000').isOn).toBe(false);
  });
});

describe('the Snowflake secret', () => {
  const command = /^\(umask 077; node -e '\n(.*?)' > snowflake-secret\.json\)$/ms.exec(shell)?.[1] ?? '';

  let directory: string;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'deploy-guide-'));
  });

  afterEach(() => rmSync(directory, { recursive: true }));

  /** A pair of key files, as the pages have openssl write them. */
  function writeKeys(passphrase?: string): string {
    const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
    const { privateKey, publicKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', ...cipher },
    });
    writeFileSync(join(directory, 'snowflake_key.p8'), privateKey);
    writeFileSync(join(directory, 'snowflake_key.pub'), publicKey);
    return privateKey;
  }

  function runNode(code: string, variables: Record<string, string>): unknown {
    const { PASSPHRASE: _, ...env } = process.env;
    const options = { cwd: directory, env: { ...env, NODE_OPTIONS: '', ...variables }, encoding: 'utf8' } as const;
    return JSON.parse(execFileSync(process.execPath, ['-e', code], options));
  }

  test.each([undefined, 'correct horse'])('is written from the key file, passphrase %p', (passphrase) => {
    const privateKey = writeKeys(passphrase);
    const secret = snowflakeSecretSchema.parse(
      runNode(command, passphrase === undefined ? {} : { PASSPHRASE: passphrase }),
    );
    expect(Object.keys(secret)).toEqual(['account', 'user', 'private_key']);
    const given = { key: privateKey, ...(passphrase !== undefined && { passphrase }) };
    expect(createPrivateKey(secret.private_key ?? '').equals(createPrivateKey(given))).toBe(true);
  });

  test('in Secrets Manager’s own format is written from both key files, and read', () => {
    const managed = /node -e '\n([^']*)' > managed-secret\.json\)/.exec(guide)?.[1] ?? '';
    const privateKey = writeKeys();
    const written = runNode(managed, {}) as { readonly privateKey: string };
    expect(written.privateKey).toMatch(/^[A-Za-z0-9+/=]+$/);
    const shown = JSON.parse(blocks('json').find((text) => text.includes('"privateKey"')) ?? '');
    for (const secret of [written, { ...shown, privateKey: written.privateKey }]) {
      expect(snowflakeSecretSchema.parse(secret).private_key).toBe(privateKey);
    }
  });
});

describe('names in the pages', () => {
  test('are the stack’s outputs: all of them, and no others', () => {
    const tabled = mentions(/`((?:[A-Z][a-z]+)+(?:Url|Arn|Id|Name|Addresses|Prefix|Days|Enabled))`/g, guide);
    expect(tabled).toEqual(Object.keys(template.Outputs).toSorted());
  });

  test('are alarms of the stage, where a command names one', () => {
    const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
    const [tested] = mentions(/set-alarm-state --alarm-name (\S+)/g, shell);
    const alarm = alarms.find(({ AlarmName }) => AlarmName === tested);
    // It has an action of its own, besides its page's.
    expect(alarm?.AlarmActions).toHaveLength(1);
    for (const name of mentions(/(learning-time-webhooks-dev-dead-\S+?)[`"\s)]/g, guide)) expect(name).toBe(tested);
  });
});

describe('an integration’s entry and secret', () => {
  const shortest = integrationSchema.parse({ id: 'skillsoft', url: 'https://webhooks.example.com/learning' });

  test('the table lists every field with the schema’s type and default', () => {
    const table = rows(section(REFERENCE, '## Integration'));
    expect(table.map((cells) => cells.slice(0, 3))).toEqual(integrationFields());
  });

  test('the table of auth says what the secret must hold, for every kind; another one lists its other keys', () => {
    const tables = rows(section(REFERENCE, "## An integration's secret"));
    const isOfAuth = ([first]: readonly string[]) => first?.startsWith('`{');
    const others = tables.filter((row) => !isOfAuth(row)).flatMap(([first]) => code(first));
    const ofCertificate = Object.values(CERTIFICATE_KEYS.current);
    expect(others.sort()).toEqual([...ofCertificate, 'encryption_key', 'headers', 'signing_secrets']);
    const kinds = tables
      .filter(isOfAuth)
      .map(([entry, keys]) => ({ auth: JSON.parse(code(entry)[0] ?? ''), keys: code(keys) }));
    expect(kinds.map(({ auth }) => auth.type)).toEqual([
      'none',
      'bearer',
      'api_key',
      'oauth2_client_credentials',
    ] satisfies (typeof shortest.auth.type)[]);
    for (const { auth, keys } of kinds) {
      const needed = neededSecrets(integrationSchema.parse({ ...shortest, auth }));
      expect(needed.map(({ path }) => path.join('.'))).toEqual(keys);
    }
  });

  test('the secret that a page makes is usable', () => {
    const [, command = ''] = /^\(umask 077; (printf .*) > integration-secret\.json\)$/m.exec(shell) ?? [];
    const random = Buffer.alloc(32, 7).toString('base64');
    const made = execFileSync('bash', ['-c', command.replace('$(openssl rand -base64 32)', random)], {
      encoding: 'utf8',
    });
    expect(integrationSecretSchema.parse(JSON.parse(made))).toEqual({ signing_secrets: [`whsec_${random}`] });
  });
});

describe('the commands', () => {
  const world = eachTest(startOperatorWorld);

  /** The words of the pages' first `./ltw` that begins so, as bash hands them over; for the local platform. */
  function words(beginning: string): string[] {
    const joined = shell.replaceAll('\\\n', ' ');
    const line = joined.split('\n').find((one) => one.startsWith(`./ltw ${beginning}`));
    if (line === undefined) throw new Error(`no page runs ${beginning}`);
    const text = execFileSync('bash', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
    const [, ...others] = text.split('\0').slice(0, -1);
    expect(others).toEqual(expect.arrayContaining(['--stage', 'dev']));
    return others.map((word) => (word === 'dev' ? 'local' : word));
  }

  test('add makes the entry of integrations.json', async () => {
    world.answerTests({ integration_id: 'skillsoft' });
    expect(await runProgram(words('integration add'), world.context)).toBe(0);
    expect(integrationsDocumentSchema.parse(world.deployed())).toEqual(
      integrationsDocumentSchema.parse(JSON.parse(file('integrations.json'))),
    );
  });

  test('validate takes integrations.json, with its secret', async () => {
    world.putSecret('skillsoft', { signing_secrets: [`whsec_${Buffer.alloc(32).toString('base64')}`] });
    const path = world.file('integrations.json', file('integrations.json'));
    const given = words('integration validate --file').map((word) => (word === 'integrations.json' ? path : word));
    expect(await runProgram(given, world.context)).toBe(0);
  });

  test('check-warehouse takes the file of known sums', async () => {
    const path = world.file('known-sums.csv', file('known-sums.csv'));
    const given = words('check-warehouse --sample').map((word) => (word === 'known-sums.csv' ? path : word));
    world.answerChecks({ checks: [{ check: 'sample', verdict: 'yes', finding: 'all as known' }] });
    expect(await runProgram(given, world.context)).toBe(0);
    expect(world.checked).toMatchObject([{ sample: [{ user_id: '12345', total_seconds: 18_540 }] }]);
  });

  test('call what the operator’s policy allows, and nothing else', () => {
    const callers = globSync(['commands/**/*.ts', 'lambdas/ledger/table/*.ts'], { cwd: ROOT });
    const called = callers.flatMap((name) => {
      const imports = /import \{([^}]*)\} from '@aws-sdk\/client-([a-z-]+)'/g;
      return [...readFileSync(join(ROOT, name), 'utf8').matchAll(imports)].flatMap(([, names = '', client = '']) =>
        mentions(/\b(paginate[A-Z]\w+|[A-Z]\w+Command)\b/g, names).map((call) => action(client, call)),
      );
    });
    // Claims a batch: functions do, commands do not.
    const byCommands = called.filter((name) => name !== 'dynamodb:BatchExecuteStatement');
    const policy = permissions('operator');
    const allowed = policy.Statement.flatMap(({ Action }) => Action);
    const takingBack = 'appconfig:StopDeployment';
    // SQS moves messages with the permissions of the caller that starts the move (SQS Developer Guide, "API permissions reference").
    const moving = ['sqs:ReceiveMessage', 'sqs:DeleteMessage'];
    // Monitors are put back with the role that reads their alarms.
    const passing = 'iam:PassRole';
    expect([...new Set(allowed)].sort()).toEqual([...new Set([...byCommands, takingBack, ...moving, passing])].sort());
    const role = policy.Statement.find(({ Action }) => Action === passing);
    expect(role?.Resource).toMatch(/:role\/LearningTimeWebhooks-dev-ConfigurationAlarmReader/);
    expect(role?.Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'appconfig.amazonaws.com' } });
  });
});

interface Policy {
  readonly Version: string;
  readonly Statement: readonly {
    readonly Effect: string;
    readonly Action: string | string[];
    readonly Resource?: string | string[];
    readonly Principal?: object;
    readonly Condition?: object;
  }[];
}

function permissions(name: string): Policy {
  return JSON.parse(readFileSync(join(ROOT, `docs/deploy/permissions/${name}.json`), 'utf8'));
}

describe('the policies', () => {
  const names = globSync('*.json', { cwd: join(ROOT, 'docs/deploy/permissions') }).map((name) => name.slice(0, -5));

  test('are all in the reference’s table', () => {
    const linked = mentions(/\(permissions\/([\w-]+)\.json\)/g, pages.get(REFERENCE) ?? '');
    expect(linked).toEqual(names.sort());
  });

  test.each(names)('%s allows named actions, on ARNs of one account and of resources in the template', (name) => {
    const { Version, Statement } = permissions(name);
    expect(Version).toBe('2012-10-17');
    const ids = Object.keys(template.Resources);
    for (const { Effect, Action, Resource, Principal } of Statement) {
      expect(Effect).toBe('Allow');
      for (const allowed of [Action].flat()) expect(allowed).toMatch(/^[a-z]+:[A-Z][A-Za-z]+$/);
      expect(Resource === undefined).toBe(Principal !== undefined);
      for (const resource of [Resource ?? '*'].flat()) {
        expect(resource).toMatch(/^(\*|arn:aws:[a-z]+:(us-east-1)?:111122223333:.+)$/);
        const [, id] = /LearningTimeWebhooks-dev-(\w+)-EXAMPLE/.exec(resource) ?? [];
        if (id !== undefined) expect(ids.filter((one) => one.startsWith(id))).not.toEqual([]);
      }
    }
  });

  test('a publisher may send events, and nothing else', () => {
    const [statement, ...others] = permissions('publisher').Statement;
    expect(others).toEqual([]);
    expect(statement?.Action).toBe('sqs:SendMessage');
    expect(statement?.Resource).toMatch(/:LearningTimeWebhooks-dev-QueuesEvents3B99B77C-EXAMPLE$/);
  });
});

/** What IAM calls a call of an SDK's client. */
function action(client: string, call: string): string {
  const name = call.replace(/^paginate|Command$/g, '');
  const service = client === 'cloudwatch-logs' ? 'logs' : client.replace('-', '');
  // A batch needs the permission of the single action (Service Authorization Reference, Amazon SQS).
  if (client === 'sqs') return `sqs:${name.replace(/Batch$/, '')}`;
  return `${service}:${client === 'lambda' ? name.replace(/^Invoke$/, 'InvokeFunction') : name}`;
}
