import { execFile } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import { prepareLearningTimeQuery } from '../../lambdas/warehouse/query.ts';
import { connectionOptions } from '../../lambdas/warehouse/snowflake/sdk.ts';
import { startSnowflakeServer } from '../../local/snowflake/snowflake-server.ts';
import { LOCAL_ASSEMBLY, LOCAL_STACK } from '../../local/synthesize.ts';
import { courseId, day, enterpriseId, learner, NAMES } from '../support/learning-time-table.ts';
import { account, createKeyPair, QUIET_SDK, user } from '../support/snowflake.ts';

interface Bundled {
  readonly Type: string;
  readonly Properties: { readonly Handler: string };
  readonly Metadata: { readonly 'aws:asset:path': string };
}

/** Bundled by `npm run synth:local`, which `npm test` runs first: each entry's directory. */
const assets = new Map(
  Object.values<Bundled>(
    JSON.parse(readFileSync(join(LOCAL_ASSEMBLY, `${LOCAL_STACK}.template.json`), 'utf8')).Resources,
  )
    .filter(({ Type }) => Type === 'AWS::Lambda::Function')
    .map(({ Properties: { Handler }, Metadata }) => [
      Handler.replace(/\.handler$/, ''),
      join(LOCAL_ASSEMBLY, Metadata['aws:asset:path']),
    ]),
);

/** Our code and the clients of five or six AWS services; the Snowflake SDK alone is larger. */
const MOST_BYTES_AT_ONCE = 1_000_000;
/** Including modules that are loaded later, such as logins that Lambda never needs. */
const MOST_BYTES_WITHOUT_SDK = 1_300_000;

/** Logs in and runs one query, with the SDK of the first argument and the options of the second; prints the rows. */
const ASK_ONCE = `
  const { default: sdk } = await import(process.argv[1]);
  const { options, query } = JSON.parse(process.argv[2]);
  sdk.configure({ logLevel: 'OFF', additionalLogToConsole: false });
  const connection = sdk.createConnection(options);
  const called = (start) => new Promise((resolve, reject) =>
    start((error, _, rows) => (error ? reject(error) : resolve(rows))));
  await called((complete) => connection.connect(complete));
  const rows = await called((complete) =>
    connection.execute({ ...query, rowMode: 'array', fetchAsString: ['Number'], complete }));
  await called((complete) => connection.destroy(complete));
  console.log(JSON.stringify(rows));
`;

/** Calls the handler of each module without environment variables. */
const LOAD_ALL = `
  const names = [];
  for (const path of process.argv.slice(1)) {
    const { handler } = await import(path);
    names.push(await handler({ Records: [] }).catch((error) => error.name));
  }
  console.log('NAMES ' + JSON.stringify(names));
`;

/** Runs a module in a process of its own, with nothing but these variables. */
async function runNode(script: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<string> {
  const words = ['--input-type=module', '-e', script, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, words, { env: { PATH: process.env.PATH, ...env } });
  return stdout;
}

/** The files that an entry imports when it is loaded, itself included. */
function loadedAtOnce(directory: string, file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  const text = readFileSync(join(directory, file), 'utf8');
  const folder = file.startsWith('chunks/') ? 'chunks' : '';
  for (const [, path] of text.matchAll(/(?:from|import)"(\.[^"]+)"/g)) {
    loadedAtOnce(directory, join(folder, path as string), seen);
  }
  return seen;
}

/** The chunk with `snowflake-sdk`: by far the largest. */
function sdkChunk(directory: string) {
  const chunks = readdirSync(join(directory, 'chunks')).map((name) => {
    const path = join(directory, 'chunks', name);
    return { file: `chunks/${name}`, path, bytes: statSync(path).size };
  });
  const [largest] = chunks.sort((one, other) => other.bytes - one.bytes);
  if (largest === undefined || !readFileSync(largest.path, 'utf8').includes('SNOWFLAKE_JWT')) {
    throw new Error('the Snowflake SDK has no chunk of its own');
  }
  return largest;
}

describe('the bundles', () => {
  test('are one per code base, shared by its functions', () => {
    const shared = Map.groupBy([...assets.keys()], (entry) => assets.get(entry));
    expect([...shared.values()].map((entries) => entries.toSorted()).toSorted()).toEqual([
      ['certificate-expiry', 'credential-age', 'reconcile', 'rescue-execution', 'settle-outcomes', 'sweep-executions'],
      ['check-warehouse', 'enrich-batch', 'enrich-task'],
      ['deliver-batch', 'deliver-task', 'send-test'],
      ['feature-status', 'webhook-health'],
      ['warm-cache'],
    ]);
  });

  test('load, and keep the names of errors', async () => {
    const files = [...assets].map(([entry, directory]) => join(directory, `${entry}.mjs`));
    const output = await runNode(LOAD_ALL, files, { AWS_REGION: 'us-east-1' });
    const [, errors = ''] = /^NAMES (.*)$/m.exec(output) ?? [];
    expect(JSON.parse(errors)).toEqual(files.map(() => 'EnvironmentInvalid'));
  });

  test.each(['enrich-batch', 'enrich-task', 'check-warehouse', 'warm-cache'])(
    '%s loads the Snowflake SDK on demand',
    (entry) => {
      const directory = assets.get(entry) as string;
      const atOnce = loadedAtOnce(directory, `${entry}.mjs`);
      expect(atOnce).not.toContain(sdkChunk(directory).file);
      const bytes = [...atOnce].map((file) => statSync(join(directory, file)).size).reduce((sum, size) => sum + size);
      expect(bytes).toBeLessThan(MOST_BYTES_AT_ONCE);
    },
  );

  test.each(['deliver-batch', 'deliver-task', 'reconcile'])('%s loads the client of EventBridge on demand', (entry) => {
    const directory = assets.get(entry) as string;
    const hasClient = (file: string) => readFileSync(join(directory, file), 'utf8').includes('AWSEvents');
    const chunks = readdirSync(join(directory, 'chunks')).map((name) => `chunks/${name}`);
    expect(chunks.filter(hasClient)).toHaveLength(1);
    expect([...loadedAtOnce(directory, `${entry}.mjs`)].filter(hasClient)).toEqual([]);
  });

  test('the SDK has no modules for file transfer and other logins', () => {
    // Over 4 MB with them.
    expect(sdkChunk(assets.get('enrich-batch') as string).bytes).toBeLessThan(3_000_000);
  });

  test('the bundled SDK logs in with a key pair and decodes NUMBER, NULL and DATE', async () => {
    const keyPair = createKeyPair();
    const server = await startSnowflakeServer({ account, user, publicKey: keyPair.publicKey });
    try {
      await server.load([day(1, '2026-01-15', 2n ** 53n + 1n), day(2, '2026-01-16', null)]);
      const secret = { account, user, private_key: keyPair.privateKey, access_url: server.url };
      const question = JSON.stringify({
        options: connectionOptions(secret, { ...NAMES, queryTag: 'bundle' }),
        query: prepareLearningTimeQuery(NAMES)([learner('1'), learner('2')]),
      });
      const { path } = sdkChunk(assets.get('enrich-batch') as string);
      const rows = await runNode(ASK_ONCE, [path, question], QUIET_SDK);
      expect(JSON.parse(rows).sort()).toEqual([
        ['1', courseId, enterpriseId, '9007199254740993', '2026-01-15T00:00:00Z', '2'],
        ['2', courseId, enterpriseId, null, '2026-01-16T00:00:00Z', '2'],
      ]);
    } finally {
      await server.close();
    }
  });

  test('only WarmCache and the enriching functions include it', () => {
    for (const entry of ['deliver-batch', 'rescue-execution', 'feature-status']) {
      const directory = assets.get(entry) as string;
      const files = readdirSync(directory, { recursive: true, encoding: 'utf8' });
      const bytes = files.map((name) => statSync(join(directory, name)).size).reduce((sum, size) => sum + size);
      expect(bytes).toBeLessThan(MOST_BYTES_WITHOUT_SDK);
    }
  });
});
