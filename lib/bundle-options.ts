import { existsSync } from 'node:fs';
import type { BuildOptions, Plugin } from 'esbuild';

/** Bundled CommonJS packages need variables that Node defines only in CommonJS modules. */
const BANNER = [
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
  'const __filename = import.meta.filename;',
  'const __dirname = import.meta.dirname;',
].join('');

/** Options without splitting and stubs; `bench/bundles` compares them with `DEPLOYED_OPTIONS`. */
export const BUNDLE_OPTIONS = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // Identifiers are not minified, so stack traces are readable without a source map, which every cold start would read.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  banner: { js: BANNER },
  tsconfigRaw: {},
  logLevel: 'warning',
} satisfies BuildOptions;

/**
 * Modules that `snowflake-sdk` imports for file transfer, browser login and login by cloud identity: half of its size.
 * Login with a key pair or password never uses them. They are stubbed only if the SDK imports them, since our own clients
 * need some of them.
 */
const UNUSED_BY_SNOWFLAKE = [
  '@aws-crypto/sha256-js',
  '@aws-sdk/client-s3',
  '@aws-sdk/client-sts',
  '@aws-sdk/credential-provider-node',
  '@aws-sdk/ec2-metadata-service',
  '@azure/identity',
  '@azure/storage-blob',
  '@smithy/node-http-handler',
  '@smithy/protocol-http',
  '@smithy/signature-v4',
  'google-auth-library',
  'mime-types',
  'oauth4webapi',
  'open',
];
const SNOWFLAKE_SDK = /[\\/]node_modules[\\/]snowflake-sdk[\\/]dist[\\/]/;

const stubUnused: Plugin = {
  name: 'stub-unused-by-snowflake',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: new RegExp(`^(${UNUSED_BY_SNOWFLAKE.join('|')})$`) }, ({ path, importer }) =>
      SNOWFLAKE_SDK.test(importer) ? { path, namespace: 'stub' } : undefined,
    );
    onLoad({ filter: /.*/, namespace: 'stub' }, () => ({ contents: 'module.exports = {};', loader: 'js' }));
  },
};

/** Marks the plugin's own call of `resolve`, which would otherwise recurse. */
const RESOLVING = 'aws-es-modules';

/**
 * The AWS SDK's `main` is CommonJS, which esbuild cannot tree-shake; each package also has an ES module build. This saves a
 * third of the code that EnrichBatch loads on a cold start. `require` calls are redirected too, so that no module is
 * bundled twice.
 */
const awsEsModules: Plugin = {
  name: 'aws-es-modules',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^@(aws-sdk|smithy)\// }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === RESOLVING || SNOWFLAKE_SDK.test(importer)) return undefined;
      const resolved = await resolve(path, { importer, resolveDir, kind, pluginData: RESOLVING });
      const esModule = resolved.path.replace(/([\\/])dist-cjs([\\/])/, '$1dist-es$2');
      return existsSync(esModule) ? { ...resolved, path: esModule } : resolved;
    });
  },
};

/**
 * The options of deployed functions: ES modules with splitting. A module that a handler loads with `import()`, above all
 * the Snowflake SDK, is a separate file that is read only on demand.
 *
 * Only AWS packages are resolved to ES modules. With `mainFields: ['module', …]` the Snowflake SDK would get files other
 * than those it requires in Node, and some of them fail at decoding.
 */
export const DEPLOYED_OPTIONS = {
  ...BUNDLE_OPTIONS,
  splitting: true,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  plugins: [stubUnused, awsEsModules],
} satisfies BuildOptions;
