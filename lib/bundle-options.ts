import { existsSync } from 'node:fs';
import type { BuildOptions, Plugin } from 'esbuild';

/** CommonJS packages, bundled into an ES module, still want what Node gives only to CommonJS. */
const BANNER = [
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
  'const __filename = import.meta.filename;',
  'const __dirname = import.meta.dirname;',
].join('');

/** How functions are bundled, but for what is split off and left out: a benchmark compares the two. */
export const BUNDLE_OPTIONS = {
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  // Names stay, for stack traces: a source map would be read at every cold start.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  banner: { js: BANNER },
  tsconfigRaw: {},
  logLevel: 'warning',
} satisfies BuildOptions;

/**
 * What `snowflake-sdk` imports for file transfer, browser login and logins by cloud identity: half of its size, and
 * never used by a login with a key pair or password. Stubbed where the SDK imports them only, since our own clients
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

/** Tells the plugin's own question to esbuild from the one it was asked. */
const ASKED = 'aws-es-modules';

/**
 * AWS's clients name their CommonJS files as `main`, of which nothing can be left out; their ES modules stand beside
 * them. That is a third of what EnrichBatch reads at once. What is imported as CommonJS elsewhere goes the same way,
 * so that no module is there twice.
 */
const awsEsModules: Plugin = {
  name: 'aws-es-modules',
  setup({ onResolve, resolve }) {
    onResolve({ filter: /^@(aws-sdk|smithy)\// }, async ({ path, importer, resolveDir, kind, pluginData }) => {
      if (pluginData === ASKED || SNOWFLAKE_SDK.test(importer)) return undefined;
      const resolved = await resolve(path, { importer, resolveDir, kind, pluginData: ASKED });
      const esModule = resolved.path.replace(/([\\/])dist-cjs([\\/])/, '$1dist-es$2');
      return existsSync(esModule) ? { ...resolved, path: esModule } : resolved;
    });
  },
};

/**
 * How functions are deployed: ES modules with splitting. What a handler asks for with `import()`, above all the
 * warehouse's SDK, is a file of its own that is read only when asked for.
 *
 * AWS's own packages alone are taken as ES modules: `mainFields` with `module` first would give the warehouse's SDK other
 * files than it calls with `require` in Node, and some of them failed at decoding.
 */
export const DEPLOYED_OPTIONS = {
  ...BUNDLE_OPTIONS,
  splitting: true,
  outExtension: { '.js': '.mjs' },
  chunkNames: 'chunks/[name]-[hash]',
  plugins: [stubUnused, awsEsModules],
} satisfies BuildOptions;
