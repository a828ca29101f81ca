import { build } from 'esbuild';
import { DEPLOYED_OPTIONS } from './bundle-options.ts';

/** Bundles functions that share code: `node bundle-functions.ts <output directory> <entry file>…` */
const [outputDirectory, ...entryPoints] = process.argv.slice(2);
if (outputDirectory === undefined || entryPoints.length === 0) {
  throw new Error('usage: node bundle-functions.ts <output directory> <entry file>...');
}
await build({ ...DEPLOYED_OPTIONS, entryPoints, outdir: outputDirectory });
