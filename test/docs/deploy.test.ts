import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { eventSchema } from '../../lambdas/contract/event.ts';
import { FLAG_KEY, flagSchema } from '../../lambdas/contract/flag.ts';
import { integrationsDocumentSchema } from '../../lambdas/contract/integration.ts';
import { snowflakeSecretFields, snowflakeSecretSchema } from '../../lambdas/contract/snowflake-secret.ts';
import { acceptEvent } from '../../lambdas/domain/accept-event.ts';
import { isEnrichmentOn, parseFlag } from '../../lambdas/domain/flag.ts';
import { readIntegrations } from '../../lambdas/domain/integrations.ts';
import { privateKeyPem } from '../../lambdas/domain/private-key-pem.ts';
import { integrationsValidator } from '../../lib/configuration.ts';
import { FLAG_SEED } from '../../lib/flag-seed.ts';
import { findStage, STAGE_NAMES } from '../../lib/stage.ts';
import { flattenFlags } from '../../local/control-plane/feature-flags.ts';
import { jsonSchemaValidator } from '../../local/control-plane/json-schema-validator.ts';
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

describe('the files that the guide writes', () => {
  test('are JSON, each', () => {
    expect([...files.keys()].sort()).toEqual([
      'event.json',
      'flag.json',
      'integrations.json',
      'publisher-policy.json',
      'rotation-policy.json',
      'rotation-trust.json',
    ]);
    for (const text of files.values()) expect(JSON.parse(text)).toBeInstanceOf(Object);
  });

  test('integrations.json is taken by the validator in the template, and read as it stands', () => {
    const text = file('integrations.json');
    expect(jsonSchemaValidator(integrationsValidator())(text)).toEqual([]);
    expect(integrationsDocumentSchema.parse(JSON.parse(text))).toEqual(JSON.parse(text));
  });

  test('event.json is accepted for that integration', () => {
    const text = file('event.json');
    expect(eventSchema.safeParse(JSON.parse(text)).success).toBe(true);
    expect(guide).toContain(`"MD5OfMessageBody": "${createHash('md5').update(text).digest('hex')}"`);
    const book = readIntegrations(file('integrations.json'), undefined);
    expect(acceptEvent(text, book)).toMatchObject({
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
    expect(isEnrichmentOn(flag, enterprise.enterprise_customer_uuid)).toBe(true);
    expect(isEnrichmentOn(flag, '00000000-0000-0000-0000-000000000000')).toBe(false);
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
      expect(Object.keys(JSON.parse(written))).toEqual(Object.keys(secret));
      const key = createPrivateKey({
        key: secret.private_key ?? '',
        ...(secret.private_key_passphrase !== undefined && { passphrase: secret.private_key_passphrase }),
      });
      expect(key.asymmetricKeyType).toBe('rsa');
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
      const { private_key: key = '' } = snowflakeSecretSchema.parse(JSON.parse(written));
      expect(key).toMatch(/^[A-Za-z0-9+/=]+$/);
      expect(createPrivateKey(privateKeyPem(key, { encrypted: false })).asymmetricKeyType).toBe('rsa');
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test('has the fields that the guide’s table lists, and no others', () => {
    const section = guide.slice(guide.indexOf('## 3. The secret'), guide.indexOf('## 4. '));
    expect(mentions(/^\| `([a-z_]+)` \|/gm, section)).toEqual(Object.keys(snowflakeSecretFields.shape).sort());
  });

  test('is read in Secrets Manager’s own format, too', () => {
    const managed = blocks('json').map((text) => JSON.parse(text));
    expect(managed).toHaveLength(1);
    expect(snowflakeSecretSchema.parse(managed[0])).toMatchObject({ private_key: managed[0].privateKey });
  });
});

describe('names in the guide', () => {
  const template = synthesize('dev');

  test('are the stack’s outputs: all of them, and no others', () => {
    const outputs = Object.keys(template.Outputs).sort();
    const asked = mentions(/\boutput "?([A-Z][a-z][A-Za-z]+)/g, guide);
    const looped = mentions(/\b((?:Events|Deliveries)[A-Z][A-Za-z]+)\b/g, shell);
    const tabled = mentions(/`((?:[A-Z][a-z]+)+(?:Url|Arn|Id|Name|Addresses))`/g, guide);
    const printed = mentions(/^LearningTimeWebhooks-dev\.(\w+) =/gm, guide);
    expect(outputs).toEqual(expect.arrayContaining([...asked, ...looped, ...printed]));
    expect(tabled).toEqual(outputs);
  });

  test('are functions with one log group each', () => {
    const logGroups = resourcesOf(template, 'AWS::Logs::LogGroup').map(([id]) => id);
    const read = mentions(/\blogs ([A-Z][a-z][A-Za-z]+)/g, guide);
    expect(read).toEqual(['DeliverBatch', 'DeliverTask', 'EnrichBatch', 'EnrichTask']);
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
    for (const script of mentions(/npm run (?:-s )?([a-z:]+)/g, guide)) expect(scripts).toHaveProperty([script]);
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

  test.each<[string, unknown]>([
    ['/ must be object', [entry]],
    ["/integrations/0 must have required property 'url'", { integrations: [{ id: 'skillsoft' }] }],
    ['/integrations/0 must NOT have additional properties', { integrations: [{ ...entry, timeout: 15 }] }],
    ['/integrations/0/id must match pattern …', { integrations: [{ ...entry, id: 'skill soft' }] }],
    ['/integrations/0/url must match pattern …', { integrations: [{ ...entry, url: 'webhooks.example.com' }] }],
    ['/integrations/0/timeout_seconds must be >= 5', { integrations: [{ ...entry, timeout_seconds: 2 }] }],
    [
      '/integrations/0/region must be equal to one of the allowed values',
      { integrations: [{ ...entry, region: 'us' }] },
    ],
  ])('%s', (message, document) => {
    expect(guide).toContain(`| \`${message}\` |`);
    expect(validate(JSON.stringify(document))).toEqual([expect.stringContaining(message.replace(/ …$/, ' '))]);
  });
});
