import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { checkWarehouse } from '../../commands/check-warehouse.ts';
import { USUAL_WAIT_SECONDS } from '../../commands/integration/rotation.ts';
import { integration as runIntegration } from '../../commands/integration.ts';
import { neededSecrets } from '../../commands/needed-secrets.ts';
import { preflight } from '../../commands/preflight.ts';
import { describeSchedule, retrySchedule } from '../../commands/retry-schedule.ts';
import { sendTest } from '../../commands/send-test.ts';
import { WAREHOUSE_CHECKS, type WarehouseCheckName } from '../../lambdas/contract/check-warehouse.ts';
import { eventSchema } from '../../lambdas/contract/event.ts';
import { FLAG_KEY, flagSchema } from '../../lambdas/contract/flag.ts';
import { integrationSchema, integrationsDocumentSchema } from '../../lambdas/contract/integration.ts';
import { integrationSecretSchema } from '../../lambdas/contract/integration-secret.ts';
import { acceptEvent } from '../../lambdas/domain/accept-event.ts';
import { LONGEST_PARKING_MS } from '../../lambdas/domain/balance.ts';
import { credentialsOf } from '../../lambdas/domain/credentials.ts';
import { evaluateFlag, parseFlag } from '../../lambdas/domain/flag.ts';
import { readIntegrations } from '../../lambdas/domain/integrations.ts';
import { classify } from '../../lambdas/domain/outcome.ts';
import { formatFault } from '../../lambdas/domain/payload-formats.ts';
import { SLEEPS_MS } from '../../lambdas/domain/sleep.ts';
import { snowflakeSecretSchema } from '../../lambdas/domain/snowflake-secret.ts';
import { integrationsValidator } from '../../lib/configuration.ts';
import { FLAG_SEED } from '../../lib/flag-seed.ts';
import { findStage, STAGE_NAMES } from '../../lib/stage.ts';
import { checkStage } from '../../lib/stage-schema.ts';
import { flattenFlags } from '../../local/control-plane/feature-flags.ts';
import { jsonSchemaValidator } from '../../local/control-plane/json-schema-validator.ts';
import { type OperatorWorld, startOperatorWorld } from '../commands/operator-world.ts';
import { startPreflightWorld } from '../commands/preflight-world.ts';
import { type LedgerServer, startLedgerServer } from '../support/dynamodb.ts';
import { integration } from '../support/factories.ts';
import { resourcesOf, synthesize } from '../support/synthesized-stack.ts';

const ROOT = join(import.meta.dirname, '../..');
const guide = readFileSync(join(ROOT, 'docs/deploy.md'), 'utf8');

/** Code of the guide's fenced blocks of one language, without the indentation of the list they stand in. */
function blocks(language: string): string[] {
  const fence = new RegExp(`^( *)\`\`\`${language}\\n(.*?)^\\1\`\`\`$`, 'gms');
  return [...guide.matchAll(fence)].map(([, indent = '', code = '']) =>
    code.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
  );
}

const shell = blocks('sh').join('\n');
const sql = blocks('sql').join('\n');

/** Files that the guide writes with `cat > NAME <<'EOF'`. */
const files = new Map(
  [...shell.matchAll(/^cat > (\S+) <<'EOF'\n(.*?)^EOF$/gms)].map(([, name = '', text = '']) => [name, text]),
);

function file(name: string): string {
  const text = files.get(name);
  if (text === undefined) throw new Error(`the guide writes no ${name}`);
  return text;
}

/** All that a pattern's first group matches in a text, each once. */
function mentions(pattern: RegExp, text: string): string[] {
  return [...new Set([...text.matchAll(pattern)].map(([, found = '']) => found))].sort();
}

/** The text under a heading, up to the next one. */
function section(heading: string): string {
  const [, text] = guide.split(`\n${heading}\n`);
  if (text === undefined) throw new Error(`the guide has no ${heading}`);
  return text.split(/^##/m)[0] ?? '';
}

/** The code of a section's block without a language: what is printed. */
function printed(heading: string, language = ''): string {
  return new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(printedPart(section(heading)))?.[1] ?? '';
}

function printedPart(text: string): string {
  return text.slice(text.indexOf('*prints*'));
}

/** A table's rows that begin with code: the cells. */
function rows(text: string): string[][] {
  return [...text.matchAll(/^\| (`.*) \|$/gm)].map(([, cells = '']) => cells.split(' | '));
}

function code(cell = ''): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map(([, text = '']) => text);
}

describe('the files that the guide writes', () => {
  test('are these, and JSON where their names say so', () => {
    expect([...files.keys()].sort()).toEqual([
      'event.json',
      'flag.json',
      'integrations.json',
      'known-sums.csv',
      'operator-policy.json',
      'publisher-policy.json',
      'rotation-policy.json',
      'rotation-trust.json',
    ]);
    for (const [name, text] of files) if (name.endsWith('.json')) expect(JSON.parse(text)).toBeInstanceOf(Object);
  });

  test('integrations.json is taken by the validator in the template, and read as it stands', () => {
    const text = file('integrations.json');
    expect(jsonSchemaValidator(integrationsValidator())(text)).toEqual([]);
    expect(integrationsDocumentSchema.parse(JSON.parse(text))).toMatchObject(JSON.parse(text));
  });

  test('event.json is accepted for that integration', () => {
    const text = file('event.json');
    expect(eventSchema.safeParse(JSON.parse(text)).success).toBe(true);
    expect(guide).toContain(`"MD5OfMessageBody": "${createHash('md5').update(text).digest('hex')}"`);
    const book = readIntegrations(file('integrations.json'), undefined);
    expect(acceptEvent(text, book, Date.now())).toMatchObject({
      verdict: 'accepted',
      subject: {
        webhook_id: shownWebhookId(),
        integration_id: 'skillsoft',
        user_id: '12345',
      },
    });
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

function shownWebhookId(): string | undefined {
  return /^webhook-id: (wh_[0-9a-f]{40})$/m.exec(guide)?.[1];
}

describe('the Snowflake secret', () => {
  const command = /^\(umask 077; node -e '\n(.*?)' > snowflake-secret\.json\)$/ms.exec(shell)?.[1] ?? '';

  test.each([undefined, 'correct horse'])('is written from the key file, passphrase %p', (passphrase) => {
    const directory = mkdtempSync(join(tmpdir(), 'deploy-guide-'));
    try {
      const cipher = passphrase === undefined ? {} : { cipher: 'aes-256-cbc', passphrase };
      const { privateKey } = generateKeyPairSync('rsa', {
        modulusLength: 2048,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem', ...cipher },
      });
      writeFileSync(join(directory, 'snowflake_key.p8'), privateKey);
      const { PASSPHRASE: _, ...env } = process.env;
      const written = execFileSync(process.execPath, ['-e', command], {
        cwd: directory,
        env: { ...env, NODE_OPTIONS: '', ...(passphrase !== undefined && { PASSPHRASE: passphrase }) },
        encoding: 'utf8',
      });
      const secret = snowflakeSecretSchema.parse(JSON.parse(written));
      expect(Object.keys(secret)).toEqual(['account', 'user', 'private_key']);
      const given = { key: privateKey, ...(passphrase !== undefined && { passphrase }) };
      expect(createPrivateKey(secret.private_key ?? '').equals(createPrivateKey(given))).toBe(true);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('in Secrets Manager’s own format is written from both key files', () => {
    const managed = /node -e '\n([^']*)' > managed-secret\.json\)/.exec(guide)?.[1] ?? '';
    const directory = mkdtempSync(join(tmpdir(), 'deploy-guide-'));
    try {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', {
        modulusLength: 2048,
        publicKeyEncoding: { type: 'spki', format: 'pem' },
        privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
      });
      writeFileSync(join(directory, 'snowflake_key.p8'), privateKey);
      writeFileSync(join(directory, 'snowflake_key.pub'), publicKey);
      const env = { ...process.env, NODE_OPTIONS: '' };
      const written = execFileSync(process.execPath, ['-e', managed], { cwd: directory, env, encoding: 'utf8' });
      expect(JSON.parse(written).privateKey).toMatch(/^[A-Za-z0-9+/=]+$/);
      expect(snowflakeSecretSchema.parse(JSON.parse(written)).private_key).toBe(privateKey);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('has the fields that the guide’s table lists, and no others', () => {
    const section = guide.slice(guide.indexOf('## 3. The secret'), guide.indexOf('## 4. '));
    expect(mentions(/^\| `([a-z_]+)` \|/gm, section)).toEqual(
      ['account', 'user', 'private_key', 'private_key_passphrase', 'password', 'access_url'].sort(),
    );
  });

  test('is read in Secrets Manager’s own format, too', () => {
    const managed = blocks('json').map((text) => JSON.parse(text));
    expect(managed).toHaveLength(1);
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
    const written = { ...managed[0], privateKey: privateKey.replaceAll(/-----.*-----|\s/g, '') };
    expect(snowflakeSecretSchema.parse(written)).toMatchObject({ private_key: privateKey });
  });
});

describe('names in the guide', () => {
  const template = synthesize('dev');

  test('are the stack’s outputs: all of them, and no others', () => {
    const outputs = Object.keys(template.Outputs).sort();
    const asked = mentions(/\boutput "?([A-Z][a-z][A-Za-z]+)/g, guide);
    const looped = mentions(/\b((?:Events|Deliveries)[A-Z][A-Za-z]+)\b/g, shell);
    const tabled = mentions(/`((?:[A-Z][a-z]+)+(?:Url|Arn|Id|Name|Addresses|Prefix|Days))`/g, guide);
    const printed = mentions(/^LearningTimeWebhooks-dev\.(\w+) =/gm, guide);
    expect(outputs).toEqual(expect.arrayContaining([...asked, ...looped, ...printed]));
    expect(tabled).toEqual(outputs);
  });

  test('are functions with one log group each', () => {
    const logGroups = resourcesOf(template, 'AWS::Logs::LogGroup').map(([id]) => id);
    const read = mentions(/\blogs ([A-Z][a-z][A-Za-z]+)/g, guide);
    expect(read).toEqual(['CheckWarehouse', 'DeliverBatch', 'DeliverTask', 'EnrichBatch', 'EnrichTask', 'SendTest']);
    for (const name of read) expect(logGroups.filter((id) => id.includes(name))).toHaveLength(1);
  });

  test('are deployment strategies of the stack', () => {
    const strategies = resourcesOf(template, 'AWS::AppConfig::DeploymentStrategy').map(
      ([, { Properties }]) => Properties,
    );
    const named = mentions(/`(learning-time-webhooks-dev-[a-z-]+)`/g, guide);
    expect(named).toEqual(strategies.map(({ Name }) => Name).sort());
    const bakes = new Map(strategies.map(({ Name, FinalBakeTimeInMinutes }) => [Name, FinalBakeTimeInMinutes]));
    expect(guide).toContain(`stays \`BAKING\` for ${bakes.get('learning-time-webhooks-dev-integrations')} minutes`);
    expect(bakes.get('learning-time-webhooks-dev-flags')).toBe(10);
    expect(bakes.get('learning-time-webhooks-dev-all-at-once')).toBe(0);
  });

  test('are npm scripts, stages and files that exist', () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    for (const script of mentions(/npm run (?:-s )?([a-z:-]+)/g, guide)) expect(scripts).toHaveProperty([script]);
    expect(mentions(/-c stage=([a-z]+)/g, guide)).toEqual([...STAGE_NAMES].sort());
    expect(guide).toContain(`no stage given: choose one with -c stage=${STAGE_NAMES.join(' or -c stage=')}`);
    expect(() => findStage('dev', { publisherPrincipals: 'lms' })).toThrow(
      /^stage dev: publisherPrincipals\.0: "lms" .*$/m.exec(guide)?.[0] ?? 'not in the guide',
    );
  });

  test('are the stage’s names in Snowflake', () => {
    const { warehouse, role, table, columns } = findStage('dev').warehouse;
    const [database, schema] = table.split('.');
    expect(sql).toContain(`GRANT USAGE ON WAREHOUSE ${warehouse} TO ROLE`);
    expect(sql).toContain(`GRANT USAGE ON DATABASE ${database} TO ROLE`);
    expect(sql).toContain(`GRANT USAGE ON SCHEMA ${database}.${schema} TO ROLE`);
    expect(sql).toContain(`GRANT SELECT ON TABLE ${table} TO ROLE`);
    const { user, course, enterprise, date, seconds } = columns;
    expect(sql).toContain(`SELECT ${user}, ${course}, ${enterprise}, SUM(${seconds}), MAX(${date})\nFROM ${table}`);
    expect(guide).toContain(`| \`role\` | \`${role}\` |`);
    expect(guide).toContain(`| \`warehouse\` | \`${warehouse}\` |`);
    expect(guide).toContain(`| \`columns.course\` | \`${course}\` |`);
  });

  test('are the stage’s settings for partners, with what prod refuses', () => {
    const { partners } = findStage('dev');
    const cells = rows(section('### 1.1 Names that may differ')).filter(([name]) => name?.startsWith('`partners.'));
    const written = Object.fromEntries(cells.map(([name, value]) => [code(name)[0], code(value)[0]]));
    expect(written).toEqual(
      Object.fromEntries(Object.entries(partners).map(([key, value]) => [`partners.${key}`, spaced(value)])),
    );
    const open = { ...findStage('prod'), partners: { ...partners, allowPlainHttp: true } };
    expect(() => checkStage(open)).toThrow(/^stage prod: .*$/m.exec(guide)?.[0] ?? 'not in the guide');
  });

  test('are zones as a stage takes them, with what it refuses', () => {
    const [, chosen] = /`-c availabilityZones=([^`]+)`/.exec(guide) ?? [];
    expect(findStage('dev', { availabilityZones: chosen }).network.availabilityZones).toEqual([
      'us-east-1b',
      'us-east-1c',
    ]);
    expect(() => findStage('dev', { availabilityZones: 'us-east-1a' })).toThrow(
      /^stage dev: network\..*$/m.exec(guide)?.[0] ?? 'not in the guide',
    );
  });

  test('are types of what outlives prod: all that has data or is known to others', () => {
    const listed = mentions(/'(AWS::\w+::\w+)'/g, section('### 9.2 prod'));
    const kept = Object.values(synthesize('prod').Resources).filter((resource) =>
      String((resource as { readonly DeletionPolicy?: string }).DeletionPolicy).startsWith('Retain'),
    );
    // Versions are listed by AppConfig, as in 9.1.
    const types = new Set([...kept.map(({ Type }) => Type), 'AWS::AppConfig::HostedConfigurationVersion']);
    expect([...listed, 'AWS::AppConfig::HostedConfigurationVersion'].sort()).toEqual([...types].sort());
  });

  test('are alarms of the stage, where a command names one', () => {
    const alarms = resourcesOf(template, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) => Properties);
    const [tested] = mentions(/set-alarm-state --alarm-name (\S+)/g, shell);
    const alarm = alarms.find(({ AlarmName }) => AlarmName === tested);
    // It has an action of its own, besides its page's.
    expect(alarm?.AlarmActions).toHaveLength(1);
    for (const name of mentions(/(learning-time-webhooks-dev-dead-\S+?)[`"\s)]/g, guide)) expect(name).toBe(tested);
  });

  test('are headings, where a link leads to one', () => {
    const headings = [...guide.matchAll(/^#+ (.+)$/gm)].map(([, text = '']) =>
      text
        .toLowerCase()
        .replaceAll(/[^a-z0-9 -]/g, '')
        .replaceAll(' ', '-'),
    );
    for (const anchor of mentions(/\]\(#([^)]+)\)/g, guide)) expect(headings).toContain(anchor);
  });
});

describe('what AppConfig’s validator says', () => {
  const validate = jsonSchemaValidator(integrationsValidator());
  const entry = { id: 'skillsoft', url: 'https://webhooks.example.com/learning' };
  const document = (fields: object) => ({ integrations: [{ ...entry, ...fields }] });

  test.each<[string, unknown]>([
    ['/ must be object', [entry]],
    ["/integrations/0 must have required property 'url'", { integrations: [{ id: 'skillsoft' }] }],
    ['/integrations/0 must NOT have additional properties', document({ timeout: 15 })],
    ['/integrations/0/id must match pattern …', document({ id: 'skill soft' })],
    ['/integrations/0/url must match pattern …', document({ url: 'webhooks.example.com' })],
    ['/integrations/0/timeout_seconds must be >= 5', document({ timeout_seconds: 2 })],
    ['/integrations/0/max_retries must be <= 10', document({ max_retries: 11 })],
    [
      '/integrations/0/payload_format must be equal to one of the allowed values',
      document({ payload_format: 'Percipio' }),
    ],
    ['/integrations/0/region must be equal to one of the allowed values', document({ region: 'us' })],
    ['/integrations/0/encrypted_fields/0 must match pattern …', document({ encrypted_fields: ['user email'] })],
  ])('%s', (message, document) => {
    expect(guide).toContain(`| \`${message}\` |`);
    expect(validate(JSON.stringify(document))).toEqual([expect.stringContaining(message.replace(/ …$/, ' '))]);
  });

  test.each<[string, unknown]>([
    ['/integrations/0/auth must match exactly one schema in oneOf', { auth: { type: 'basic' } }],
    ['/integrations/0/auth must match exactly one schema in oneOf', { auth: { type: 'bearer', token: 'x' } }],
    ['/integrations/0/auth must match exactly one schema in oneOf', { auth: { type: 'oauth2_client_credentials' } }],
    ['/integrations/0/headers/0 must match a schema in anyOf', { headers: [{ name: 'X-Tenant' }] }],
    [
      '/integrations/0/headers/0 must match a schema in anyOf',
      { headers: [{ name: 'X-Tenant', value: 'demo', from_secret: 'tenant' }] },
    ],
    ['/integrations/0/headers/0 must match a schema in anyOf', { headers: [{ name: 'Host', value: 'demo' }] }],
  ])('%s, among others: %j', (message, fields) => {
    expect(guide).toContain(`| \`${message}\` |`);
    expect(validate(JSON.stringify(document(fields as object)))).toContain(message);
  });

  test.each([
    ['an id that stands twice', [entry, entry]],
    [
      'a header that is set twice',
      [{ ...entry, auth: { type: 'bearer' }, headers: [{ name: 'Authorization', value: 'x' }] }],
    ],
  ])('nothing, of %s', (_, integrations) => {
    const text = JSON.stringify({ integrations });
    expect(validate(text)).toEqual([]);
    expect(readIntegrations(text, undefined).faults).toHaveLength(1);
  });
});

/** As the guide writes a value. */
function spaced(value: unknown): string {
  return Array.isArray(value) ? `[${value.join(', ')}]` : JSON.stringify(value);
}

describe('an integration’s entry and secret', () => {
  const shortest = integrationSchema.parse({ id: 'skillsoft', url: 'https://webhooks.example.com/learning' });

  test('the table lists every field of the entry, with its default', () => {
    const table = rows(section('### 4.3 The entry'));
    expect(table.map(([name]) => code(name)[0]).sort()).toEqual(Object.keys(integrationSchema.shape).sort());
    for (const [name, written] of table) {
      const key = code(name)[0] as keyof typeof shortest;
      const value = typeof shortest[key] === 'string' ? shortest[key] : JSON.stringify(shortest[key]);
      if (key === 'id' || key === 'url') expect(written).toBe('required');
      else expect([key, code(written)]).toEqual([key, shortest[key] === undefined ? [] : [value]]);
    }
  });

  test('the table of auth says what the secret must hold, for every kind', () => {
    const table = rows(section('### 4.4 The secret')).filter(([first]) => first?.startsWith('`{'));
    const kinds = table.map(([entry, keys]) => ({ auth: JSON.parse(code(entry)[0] ?? ''), keys: code(keys) }));
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

  test('the two tables list every key of the secret', () => {
    const keys = rows(section('### 4.4 The secret')).flatMap(([first = '', second]) =>
      code(first.startsWith('`{') ? second : first),
    );
    const ofAuth = integrationSchema.shape.auth.unwrap().options.flatMap(({ shape: { type } }) => {
      const auth = { type: type.value, token_url: 'https://partner.example/token' };
      const kept = auth.type === 'oauth2_client_credentials' ? auth : { type: auth.type };
      return neededSecrets(integrationSchema.parse({ ...shortest, auth: kept })).map(({ path }) => path.join('.'));
    });
    expect(keys.sort()).toEqual([...ofAuth, 'signing_secrets', 'headers', 'encryption_key'].sort());
  });

  test('the secret that the guide makes is usable', () => {
    const [, command = ''] = /^\(umask 077; (printf .*) > integration-secret\.json\)$/m.exec(shell) ?? [];
    const random = Buffer.alloc(32, 7).toString('base64');
    const made = execFileSync('bash', ['-c', command.replace('$(openssl rand -base64 32)', random)], {
      encoding: 'utf8',
    });
    expect(integrationSecretSchema.parse(JSON.parse(made))).toEqual({ signing_secrets: [`whsec_${random}`] });
  });

  test('the schedule is that of the defaults', () => {
    const [, at = ''] = /retry-schedule -- .* --at (\S+)/.exec(shell) ?? [];
    expect(printed('### 4.3 The entry')).toContain(
      describeSchedule(shortest, 'course_completion', Date.parse(at), () => 0),
    );
    expect(guide).toContain(`\`${shortest.max_retries + 1} tries failed, the last with: …\``);
  });
});

describe('the commands', () => {
  const PROGRAMS = {
    integration: runIntegration,
    'send-test': sendTest,
    'check-warehouse': checkWarehouse,
    'retry-schedule': retrySchedule,
  };
  let world: OperatorWorld;
  let ledger: LedgerServer;

  beforeEach(async () => {
    ledger = await startLedgerServer();
    world = await startOperatorWorld({
      endpoints: { AWS_ENDPOINT_URL_DYNAMODB: ledger.endpoint },
      outputs: { LedgerTableName: ledger.tableName, LedgerPayloadDays: '30', LedgerFactsDays: '400' },
    });
  });

  afterEach(async () => {
    await world.close();
    await ledger.close();
  });

  /** The words of the guide's `npm run` that begins so, as bash hands them over; for the local platform. */
  function words(beginning: string): string[] {
    const joined = shell.replaceAll('\\\n', ' ');
    const line = joined.split('\n').find((one) => one.startsWith(`npm run -s ${beginning}`));
    if (line === undefined) throw new Error(`the guide does not run ${beginning}`);
    const text = execFileSync('bash', ['-c', `npm() { printf '%s\\0' "$@"; }; ${line}`], { encoding: 'utf8' });
    const [, , , dashes, ...others] = text.split('\0').slice(0, -1);
    expect(dashes).toBe('--');
    expect(others).toEqual(expect.arrayContaining(['--stage', 'dev']));
    return others.map((word) => (word === 'dev' ? 'local' : word));
  }

  function run(program: keyof typeof PROGRAMS, beginning = ''): Promise<number> {
    return PROGRAMS[program](words(`${program} -- ${beginning}`), world.context);
  }

  /** Each line of a section's block was printed or asked, whatever its numbers. */
  function expectShown(block: string): void {
    expectSaid(block, [world.printed(), ...world.questions].join('\n'));
  }

  function expectSaid(block: string, text: string): void {
    const said = text.replaceAll(/\d+/g, '0');
    const shown = block.split('\n').filter((line) => line.trim() !== '' && line !== '…');
    expect(shown.length).toBeGreaterThan(1);
    for (const line of shown) expect(said).toContain(line.trim().replaceAll(/\d+/g, '0'));
  }

  test('add makes the entry of integrations.json; list and validate find nothing wrong with it', async () => {
    world.answerTests({ integration_id: 'skillsoft' });
    expect(await run('integration', 'add')).toBe(0);
    expectShown(printed('### 4.1 By command'));
    expect(integrationsDocumentSchema.parse(world.deployed())).toEqual(
      integrationsDocumentSchema.parse(JSON.parse(file('integrations.json'))),
    );
    expect(await run('integration', 'list')).toBe(0);
    expect(await run('integration', 'validate')).toBe(0);
    expect(await run('retry-schedule')).toBe(0);
  });

  test('add makes a receiver of leads, and of nothing else', async () => {
    world.answerTests({ integration_id: 'n8n' });
    world.answers.push('key-of-n8n');
    expect(await run('integration', 'add --stage dev --id n8n')).toBe(0);
    const [entry] = integrationsDocumentSchema.parse(world.deployed()).integrations;
    expect(entry).toMatchObject({ event_types: ['lead'], auth: { type: 'api_key', header: 'X-API-Key' } });

    const two = { auth: { type: 'bearer' }, headers: JSON.parse(/'headers=(.*?)'/.exec(guide)?.[1] ?? '') };
    expect(neededSecrets(integrationSchema.parse({ ...entry, ...two })).map(({ path }) => path.join('.'))).toEqual([
      'bearer_token',
      'headers.n8n',
    ]);
  });

  test('validate takes integrations.json, with its secret', async () => {
    world.putSecret('skillsoft', { signing_secrets: [`whsec_${Buffer.alloc(32).toString('base64')}`] });
    const path = world.file('integrations.json', file('integrations.json'));
    const given = words('integration -- validate --file').map((word) => (word === 'integrations.json' ? path : word));
    expect(await runIntegration(given, world.context)).toBe(0);
    expect(world.printed().replace(path, 'integrations.json')).toBe(
      printedPart(section('### 4.5 By the AWS CLI, or in the console')).split('```')[1]?.trim(),
    );
  });

  test('send-test says what is wrong', async () => {
    world.answerTests({
      integration_id: 'partner-moved',
      verdict: 'dead',
      reason: 'HTTP 302',
      status: 302,
      timings: { connectMs: 0.2, firstByteMs: 17, totalMs: 18 },
    });
    expect(await run('send-test')).toBe(1);
    expectShown(printed('### 4.2 Trying the connection').replace(/\nwebhook-id .*/s, ''));
  });

  test('check-warehouse says what it found, and takes the guide’s file of known sums', async () => {
    const shown = printed('### 3.1 Does the stage reach it?');
    const checks = [...shown.matchAll(/^(\w+) +yes +(.*)$/gm)].map(([, check, finding = '']) => ({
      check: check as WarehouseCheckName,
      verdict: 'yes' as const,
      finding,
    }));
    expect(checks.map(({ check }) => check)).toEqual(WAREHOUSE_CHECKS.filter((check) => check !== 'sample'));
    world.answerChecks({ checks });
    expect(await run('check-warehouse', '--stage')).toBe(0);
    expectShown(shown);

    const path = world.file('known-sums.csv', file('known-sums.csv'));
    const given = words('check-warehouse -- --sample').map((word) => (word === 'known-sums.csv' ? path : word));
    expect(await checkWarehouse(given, world.context)).toBe(0);
    expect(world.checked[1]).toMatchObject({ sample: [{ user_id: '12345', total_seconds: 18_540 }] });
  });

  test('pause is done at once, right after an add too, and so is resume', async () => {
    await run('integration', 'add');
    expect(world.lastStrategy()).toBe('at-once');
    expect(await run('integration', 'pause')).toBe(0);
    expectShown(printed('### 4.7 Pausing and resuming'));
    expect(await run('integration', 'resume')).toBe(0);
    expect(world.lastStrategy()).toBe('at-once');
  });

  test('rotate goes through four steps', async () => {
    await run('integration', 'add');
    world.answers.push('');
    expect(await run('integration', 'rotate')).toBe(0);
    expectShown(printed('### 4.8 Rotating a signing secret'));
    expect(section('### 4.8 Rotating a signing secret')).toContain(`It waits ${USUAL_WAIT_SECONDS / 60} minutes`);
  });

  test('preflight answers every question, with what mends a no', async () => {
    const stage = await startPreflightWorld();
    try {
      stage.world.plane.secretsManager.remove('/local/snowflake');
      expect(await preflight(words('preflight'), stage.world.context)).toBe(1);
      expectSaid(printed('### 4.10 Before the first event: preflight'), stage.world.printed());
    } finally {
      await stage.close();
    }
  });

  test('call what the operator’s policy allows, and nothing else', () => {
    const callers = globSync(['commands/**/*.ts', 'lambdas/adapters/dynamodb/*.ts'], { cwd: ROOT });
    const called = callers.flatMap((name) => {
      const imports = /import \{([^}]*)\} from '@aws-sdk\/client-([a-z-]+)'/g;
      return [...readFileSync(join(ROOT, name), 'utf8').matchAll(imports)].flatMap(([, names = '', client = '']) =>
        mentions(/\b(paginate[A-Z]\w+|[A-Z]\w+Command)\b/g, names).map((call) => action(client, call)),
      );
    });
    const policy = JSON.parse(file('operator-policy.json'));
    const allowed = policy.Statement.flatMap(({ Action }: { Action: string | string[] }) => Action);
    const takingBack = 'appconfig:StopDeployment';
    // SQS moves letters in the name of whoever starts the move (SQS Developer Guide, "API permissions reference").
    const moving = ['sqs:ReceiveMessage', 'sqs:DeleteMessage'];
    // Monitors are put back with the role that reads their alarms.
    const passing = 'iam:PassRole';
    expect([...new Set(allowed)].sort()).toEqual([...new Set([...called, takingBack, ...moving, passing])].sort());
    const role = policy.Statement.find(({ Action }: { Action: unknown }) => Action === passing);
    expect(role.Resource).toMatch(/:role\/LearningTimeWebhooks-dev-ConfigurationAlarmReader/);
    expect(role.Condition).toEqual({ StringEquals: { 'iam:PassedToService': 'appconfig.amazonaws.com' } });
  });
});

/** What IAM calls a call of an SDK's client. */
function action(client: string, call: string): string {
  const name = call.replace(/^paginate|Command$/g, '');
  return `${client.replace('-', '')}:${client === 'lambda' ? name.replace(/^Invoke$/, 'InvokeFunction') : name}`;
}

describe('the reasons of dead letters', () => {
  const bearer = integration({ auth: { type: 'bearer' } });
  const lacking = credentialsOf(
    bearer,
    integrationSecretSchema.parse({ signing_secrets: [`whsec_${'A'.repeat(32)}`] }),
  );

  test.each([
    ['the secret has no …', 'missing' in lacking ? lacking.missing : ''],
    ['the payload does not fit …', formatFault('percipio', 'plain', {}) ?? ''],
    ['no answer: FORBIDDEN_ADDRESS', classify({ kind: 'failed', code: 'FORBIDDEN_ADDRESS' }).reason],
  ])('%s', (words, reason) => {
    expect(guide).toContain(`\`${words}\``);
    const pattern = words.split('…').map((part) => RegExp.escape(part));
    expect(reason).toMatch(new RegExp(`^${pattern.join('.+')}$`));
  });

  test('say that it was parked as long as the guide names', () => {
    expect(guide).toContain(`\`parked for ${LONGEST_PARKING_MS / 3600_000} h: …\``);
  });

  test('come after the sleeps that the guide names', () => {
    const [first, ...others] = SLEEPS_MS.map((ms) => ms / 60_000);
    expect(first).toBe(1);
    expect(section('### 4.7 Pausing and resuming').replaceAll('\n', ' ')).toContain(
      `then sleeps for ${others.slice(0, -1).join(', ')} and ${others.at(-1)} (each ±10%)`,
    );
  });
});
