import { existsSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Context } from '../shared/context.ts';
import { CommandFailed } from '../shared/failures.ts';
import { bodySchemas } from './body-schemas.ts';
import type { SampleBody } from './kit/sample-body.ts';
import { testVector } from './kit/test-vector.ts';
import { sampleBodies } from './sample-bodies.ts';

const KIT_FILE = 'partner-kit.mjs';

export interface PartnerKitOptions {
  /** The directory of the kit's file. */
  readonly out?: string | undefined;
  /** The directory of the schemas. */
  readonly schemas?: string | undefined;
  readonly vector?: true | undefined;
}

/** The time that the published schemas' examples name: they change only with the code. */
const EXAMPLE_TIME_MS = Date.parse('2026-01-15T12:00:00Z');

/** `partner-kit`: writes the kit's file, the schemas, or prints a test vector. @throws CommandFailed */
export async function partnerKit({ out, schemas, vector }: PartnerKitOptions, context: Context): Promise<number> {
  const { print } = context.terminal;
  const now = context.now();
  if (out !== undefined) {
    const file = join(writableDirectory(out), KIT_FILE);
    write(file, await kitText(await sampleBodies(now)));
    print(`Written: ${file}. It needs Node 20 or later only: node ${file} --help`);
  }
  if (schemas !== undefined) {
    writableDirectory(schemas);
    const files = await schemaFiles();
    for (const [name, text] of files) write(join(schemas, name), text);
    print(`Written: ${files.size} schemas in ${schemas}.`);
  }
  if (vector) {
    const [sample] = await sampleBodies(now);
    print(JSON.stringify(testVector(sample?.body ?? '{}', now), undefined, 2));
  }
  return 0;
}

/** The published schemas as the text of their files, by name. */
export async function schemaFiles(): Promise<ReadonlyMap<string, string>> {
  const schemas = bodySchemas(await sampleBodies(EXAMPLE_TIME_MS));
  return new Map([...schemas].map(([name, schema]) => [name, `${JSON.stringify(schema, undefined, 2)}\n`]));
}

/** The text of the kit's file: the program of `kit/`, and the bodies. */
export async function kitText(bodies: readonly SampleBody[]): Promise<string> {
  const entry = `
    import { main } from './main.ts';
    const output = { print: (line) => console.log(line), complain: (line) => console.error(line) };
    process.exitCode = await main(process.argv.slice(2), ${JSON.stringify(bodies)}, process.env, output);`;
  const { outputFiles } = await build({
    stdin: { contents: entry, resolveDir: join(import.meta.dirname, 'kit'), loader: 'js' },
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    charset: 'utf8',
    target: 'node20',
    banner: { js: '// Sends signed sample webhooks to a receiver, with Node 20 or later: node partner-kit.mjs --help' },
    tsconfigRaw: {},
    logLevel: 'silent',
  });
  return outputFiles[0]?.text ?? '';
}

/** @throws CommandFailed if it is no directory */
function writableDirectory(directory: string): string {
  if (!existsSync(directory)) throw new CommandFailed(`there is no directory ${directory}`);
  if (!statSync(directory).isDirectory()) throw new CommandFailed(`${directory} is no directory`);
  return directory;
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (thrown) {
    throw new CommandFailed(`${file} cannot be written (${(thrown as NodeJS.ErrnoException).code})`);
  }
}
