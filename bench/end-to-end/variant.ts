import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { DEPLOYED_OPTIONS } from '../../lib/bundle-options.ts';
import { LOCAL_STACK } from '../../local/synthesize.ts';
import { changedAssembly, type EventsMapping, setEventsMapping } from '../changed-assembly.ts';

/** A variant of the local stage. */
export interface Variant {
  /** The events queue's mapping. */
  readonly mapping: EventsMapping;
  readonly ledger: 'on' | 'off';
  /** Logs and metrics: as deployed, or neither. */
  readonly telemetry: 'on' | 'off';
}

/** The functions that use the ledger for an event, with all functions of their bundle. */
const ON_THE_WAY = {
  'enrich-batch.handler': ['enrichment/enrich-batch', 'enrichment/enrich-task'],
  'deliver-batch.handler': ['delivery/deliver-batch', 'delivery/deliver-task', 'delivery/send-test'],
};

/** Read by Powertools. */
const SILENT = { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' };

interface FunctionProperties {
  readonly Handler: string;
  readonly Code: { readonly S3Key: string };
  readonly Environment: { readonly Variables: Record<string, unknown> };
}

/** The local stage's assembly in a variant. */
export async function variantAssembly(
  assemblyDirectory: string,
  { mapping, ledger, telemetry }: Variant,
): Promise<{ readonly directory: string; remove(): void }> {
  const keys = new Map<unknown, string>();
  const assembly = changedAssembly(assemblyDirectory, (template) => {
    setEventsMapping(template, mapping);
    for (const { Type, Properties } of Object.values(template.Resources)) {
      if (Type !== 'AWS::Lambda::Function') continue;
      const { Handler, Code, Environment } = Properties as unknown as FunctionProperties;
      keys.set(Handler, Code.S3Key);
      if (telemetry === 'off') Object.assign(Environment.Variables, SILENT);
    }
  });
  if (ledger === 'off') {
    for (const [handler, entries] of Object.entries(ON_THE_WAY)) {
      const asset = `without-ledger-${handler}`;
      await bundleWithoutLedger(entries, join(assembly.directory, asset));
      moveAsset(assembly.directory, keys.get(handler) as string, asset);
    }
  }
  return assembly;
}

/** From now on the assembly has this code under that key. */
function moveAsset(directory: string, key: string, path: string): void {
  const file = join(directory, `${LOCAL_STACK}.assets.json`);
  const manifest = JSON.parse(readFileSync(file, 'utf8'));
  manifest.files[basename(key, '.zip')].source.path = path;
  rmSync(file);
  writeFileSync(file, JSON.stringify(manifest));
}

const NO_LEDGER_MODULE = join(import.meta.dirname, '../no-ledger.ts');

const withoutLedger: Plugin = {
  name: 'without-ledger',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]ledger[\\/]dynamodb-ledger\.ts$/ }, () => ({
      contents: `import { NO_LEDGER } from ${JSON.stringify(NO_LEDGER_MODULE)};\nexport const openLedger = () => NO_LEDGER;`,
      resolveDir: import.meta.dirname,
      loader: 'ts',
    }));
  },
};

/** The deployed functions with a ledger that grants every claim and stores nothing. */
async function bundleWithoutLedger(entries: readonly string[], outdir: string): Promise<void> {
  const entryPoints = entries.map((entry) => join(import.meta.dirname, '../../lambdas', `${entry}.ts`));
  await build({ ...DEPLOYED_OPTIONS, plugins: [...DEPLOYED_OPTIONS.plugins, withoutLedger], entryPoints, outdir });
}
