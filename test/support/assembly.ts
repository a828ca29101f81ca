import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const STACK = 'Test';

/** A resource of a hand-made template. */
export interface ResourceSource {
  readonly Type: string;
  readonly Properties?: object;
}

export interface AssemblySource {
  readonly resources: Readonly<Record<string, ResourceSource>>;
  readonly outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
  /** Source text of each handler module by name, all in one asset: see `lambdaFunction`. */
  readonly modules?: Readonly<Record<string, string>>;
}

/** Writes a cloud assembly as `cdk synth` does, in a directory of its own. */
export function writeAssembly({ resources, outputs = {}, modules = {} }: AssemblySource): {
  readonly directory: string;
  remove(): void;
} {
  const directory = mkdtempSync(join(tmpdir(), 'assembly-'));
  mkdirSync(join(directory, 'asset.code'));
  for (const [name, source] of Object.entries(modules)) {
    writeFileSync(join(directory, 'asset.code', `${name}.mjs`), source);
  }
  const template = { Resources: resources, Outputs: outputs };
  const files = {
    code: { source: { path: 'asset.code', packaging: 'zip' }, destinations: { a: { objectKey: 'code.zip' } } },
  };
  writeFileSync(join(directory, `${STACK}.template.json`), JSON.stringify(template));
  writeFileSync(join(directory, `${STACK}.assets.json`), JSON.stringify({ files }));
  return { directory, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** A function whose handler is the export `handler` of a module of the assembly. */
export function lambdaFunction(
  module: string,
  properties: object = {},
  variables: Readonly<Record<string, unknown>> = {},
): ResourceSource {
  return {
    Type: 'AWS::Lambda::Function',
    Properties: {
      Handler: `${module}.handler`,
      Code: { S3Bucket: 'assets', S3Key: 'code.zip' },
      Timeout: 5,
      MemorySize: 256,
      Environment: { Variables: variables },
      ...properties,
    },
  };
}

export function queue(properties: object = {}): ResourceSource {
  return { Type: 'AWS::SQS::Queue', Properties: properties };
}

export function mapping(queueId: string, functionId: string, properties: object = {}): ResourceSource {
  return {
    Type: 'AWS::Lambda::EventSourceMapping',
    Properties: {
      EventSourceArn: { 'Fn::GetAtt': [queueId, 'Arn'] },
      FunctionName: { Ref: functionId },
      BatchSize: 10,
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ...properties,
    },
  };
}

/**
 * Waits until `condition` returns something truthy, and returns that. The limit only names what a hanging test waited for: it is
 * just below the time after which jest ends the test.
 *
 * @throws Error after `limitMs`, in real milliseconds
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  limitMs = 280_000,
): Promise<Exclude<T, false | null | undefined>> {
  const giveUpAt = performance.now() + limitMs;
  for (;;) {
    const result = await condition();
    if (result) return result as Exclude<T, false | null | undefined>;
    if (performance.now() > giveUpAt) throw new Error(`not within ${limitMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
