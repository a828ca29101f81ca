import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { App, Stack } from 'aws-cdk-lib';
import { type CfnFunction, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { connectionOptions } from '../../lambdas/adapters/snowflake/sdk.ts';
import { prepareLearningTimeQuery } from '../../lambdas/domain/learning-time-query.ts';
import { functionCode } from '../../lib/function-code.ts';
import { startSnowflakeServer } from '../../local/snowflake-server.ts';
import {
  account,
  courseId,
  createKeyPair,
  day,
  enterpriseId,
  learner,
  QUIET_SDK,
  tables,
  user,
} from '../support/snowflake.ts';

const outdir = mkdtempSync(join(tmpdir(), 'learning-time-bundle-'));
afterAll(() => rmSync(outdir, { recursive: true, force: true }));

const CODE_BASES = {
  enrichment: ['enrich-batch', 'enrich-task', 'check-warehouse'],
  delivery: ['deliver-batch', 'deliver-task', 'send-test'],
  operations: ['rescue-execution', 'sweep-executions', 'reconcile', 'settle-outcomes', 'credential-age'],
  status: ['feature-status', 'webhook-health'],
} as const;
/** Our own code, and the clients of five or six AWS services; the warehouse's SDK alone is larger. */
const MOST_BYTES_AT_ONCE = 1_000_000;
/** With what is asked for later, such as logins that Lambda never needs. */
const MOST_BYTES_WITHOUT_SDK = 1_300_000;

/** Logs in and asks once, with the SDK in the first file and the options in the second argument; prints the rows. */
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

const assets = new Map<string, string>();

beforeAll(() => {
  const app = new App({ outdir, context: { 'aws:cdk:enable-asset-metadata': true } });
  const stack = new Stack(app, 'Bundles');
  for (const [codeBase, entries] of Object.entries(CODE_BASES)) {
    const code = functionCode(codeBase as keyof typeof CODE_BASES, entries);
    for (const entry of entries) {
      const handler = `${entry}.handler`;
      const fn = new LambdaFunction(stack, entry, { code, handler, runtime: Runtime.NODEJS_24_X });
      const asset = (fn.node.defaultChild as CfnFunction).cfnOptions.metadata?.['aws:asset:path'];
      assets.set(entry, join(outdir, asset));
    }
  }
}, 60_000);

/** Loads an entry in a process of its own, as Lambda does, and says what that gave. */
function load(entry: string, script: string): unknown {
  const module = JSON.stringify(join(assets.get(entry) as string, `${entry}.mjs`));
  const text = execFileSync(
    process.execPath,
    ['--input-type=module', '-e', `const { handler } = await import(${module}); ${script}`],
    { encoding: 'utf8', env: { PATH: process.env.PATH, AWS_REGION: 'us-east-1' } },
  );
  return JSON.parse(text.trim().split('\n').at(-1) as string);
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

/** The chunk that holds `snowflake-sdk`: by far the largest. */
function sdkChunk(directory: string) {
  const chunks = readdirSync(join(directory, 'chunks')).map((name) => {
    const path = join(directory, 'chunks', name);
    return { file: `chunks/${name}`, path, bytes: statSync(path).size };
  });
  const [largest] = chunks.sort((one, other) => other.bytes - one.bytes);
  if (largest === undefined || !readFileSync(largest.path, 'utf8').includes('SNOWFLAKE_JWT')) {
    throw new Error('the warehouse’s SDK has no chunk of its own');
  }
  return largest;
}

describe('the bundles', () => {
  test('one for each code base, shared by its functions', () => {
    expect(new Set(assets.values()).size).toBe(4);
    expect(assets.get('enrich-batch')).toBe(assets.get('enrich-task'));
  });

  test.each(Object.values(CODE_BASES).flat())('%s loads, and names its errors although it is minified', (entry) => {
    const script =
      'const name = await handler({ Records: [] }).catch((error) => error.name); console.log(JSON.stringify(name));';
    expect(load(entry, script)).toBe('EnvironmentInvalid');
  });

  test.each(CODE_BASES.enrichment)('%s reads the warehouse’s SDK only when it is asked for', (entry) => {
    const directory = assets.get(entry) as string;
    const atOnce = loadedAtOnce(directory, `${entry}.mjs`);
    expect(atOnce).not.toContain(sdkChunk(directory).file);
    const bytes = [...atOnce].map((file) => statSync(join(directory, file)).size).reduce((sum, size) => sum + size);
    expect(bytes).toBeLessThan(MOST_BYTES_AT_ONCE);
  });

  test('the SDK comes without what it uses for file transfer and other logins, and still loads', () => {
    const { path, bytes } = sdkChunk(assets.get('enrich-batch') as string);
    // Whole, it is over 4 MB.
    expect(bytes).toBeLessThan(3_000_000);
    const script = `const { default: sdk } = await import(${JSON.stringify(path)}); console.log(JSON.stringify(typeof sdk.createConnection));`;
    expect(load('enrich-batch', script)).toBe('function');
  });

  test('the SDK as it is bundled logs in with a key pair, and decodes NUMBER, NULL and DATE', async () => {
    const keyPair = createKeyPair();
    const server = await startSnowflakeServer({ account, user, publicKey: keyPair.publicKey });
    try {
      await server.load([day(1, '2026-01-15', 2n ** 53n + 1n), day(2, '2026-01-16', null)]);
      const secret = { account, user, private_key: keyPair.privateKey, access_url: server.url };
      const question = JSON.stringify({
        options: connectionOptions(secret, { ...tables, queryTag: 'bundle' }),
        query: prepareLearningTimeQuery(tables)([learner('1'), learner('2')]),
      });
      const { path } = sdkChunk(assets.get('enrich-batch') as string);
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--input-type=module', '-e', ASK_ONCE, path, question],
        { env: { PATH: process.env.PATH, ...QUIET_SDK } },
      );
      expect(JSON.parse(stdout).sort()).toEqual([
        ['1', courseId, enterpriseId, '9007199254740993', '2026-01-15T00:00:00Z', '2'],
        ['2', courseId, enterpriseId, null, '2026-01-16T00:00:00Z', '2'],
      ]);
    } finally {
      await server.close();
    }
  });

  test('only the enriching functions carry it', () => {
    for (const entry of ['deliver-batch', 'rescue-execution', 'feature-status']) {
      const directory = assets.get(entry) as string;
      const sizes = readdirSync(directory, { recursive: true, withFileTypes: true })
        .filter((file) => file.isFile())
        .map((file) => statSync(join(file.parentPath, file.name)).size);
      expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(MOST_BYTES_WITHOUT_SDK);
    }
  });
});
