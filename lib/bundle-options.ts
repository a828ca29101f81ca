import type { BuildOptions } from 'esbuild';

/** CommonJS packages, bundled into an ES module, still want what Node gives only to CommonJS. */
const BANNER = [
  "import { createRequire as __createRequire } from 'node:module';",
  'const require = __createRequire(import.meta.url);',
  'const __filename = import.meta.filename;',
  'const __dirname = import.meta.dirname;',
].join('');

/** How functions are bundled, but for what is split off and left out: a benchmark compares those two. */
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
