import { afterAll, beforeAll, jest } from '@jest/globals';
import { type Platform, type PlatformOptions, startPlatform } from '../../local/platform.ts';
import { Resolver } from '../../local/resolver.ts';
import { type AssemblySource, STACK, writeAssembly } from './assembly.ts';

/** The local platform with a hand-made template, for the tests of one file. */
export function runningPlatform(source: AssemblySource, options: Partial<PlatformOptions> = {}): () => Platform {
  // A loaded machine takes seconds to start processes.
  jest.setTimeout(20_000);
  const { directory, remove } = writeAssembly(source);
  let platform: Platform | undefined;
  beforeAll(async () => {
    platform = await startPlatform({ assemblyDirectory: directory, stackName: STACK, ...options });
  });
  afterAll(async () => {
    await platform?.stop();
    remove();
  });
  return () => {
    if (platform === undefined) throw new Error('the platform did not start');
    return platform;
  };
}

/** Starts a platform that must refuse its template. @throws what the platform throws */
export async function startRefused(source: AssemblySource): Promise<void> {
  const { directory, remove } = writeAssembly(source);
  try {
    const platform = await startPlatform({ assemblyDirectory: directory, stackName: STACK });
    await platform.stop();
  } finally {
    remove();
  }
}

/** For parts of the platform that take no more than a template's resources. */
export function resolverOf(resources: AssemblySource['resources'], localTypes: readonly string[] = []): Resolver {
  const template = {
    resources: resources as Resolver['template']['resources'],
    outputs: {},
    assetDirectories: new Map(),
  };
  return new Resolver(template, new Set(localTypes));
}
