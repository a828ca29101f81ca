import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** One resource of a CloudFormation template. Its properties may have unresolved intrinsic functions. */
export interface TemplateResource {
  readonly Type: string;
  readonly Properties?: Readonly<Record<string, unknown>>;
}

export interface Template {
  readonly resources: Readonly<Record<string, TemplateResource>>;
  readonly outputs: Readonly<Record<string, { readonly Value: unknown }>>;
  /** The directory of an asset, by the object key that a function's `Code` names. */
  readonly assetDirectories: ReadonlyMap<string, string>;
}

interface AssetManifest {
  readonly files?: Record<
    string,
    {
      readonly source: { readonly path?: string };
      readonly destinations: Record<string, { readonly objectKey: string }>;
    }
  >;
}

/** @throws Error if the assembly has no such stack */
export function readTemplate(assemblyDirectory: string, stackName: string): Template {
  const file = join(assemblyDirectory, `${stackName}.template.json`);
  if (!existsSync(file)) throw new Error(`no template ${file}: synthesize first, and use a stack name of the assembly`);
  const body = JSON.parse(readFileSync(file, 'utf8')) as {
    Resources?: Template['resources'];
    Outputs?: Template['outputs'];
  };
  return {
    resources: body.Resources ?? {},
    outputs: body.Outputs ?? {},
    assetDirectories: readAssetDirectories(assemblyDirectory, stackName),
  };
}

/** `<stack>.assets.json` maps object keys to directories; the template has the keys only. */
function readAssetDirectories(assemblyDirectory: string, stackName: string): ReadonlyMap<string, string> {
  const file = join(assemblyDirectory, `${stackName}.assets.json`);
  const directories = new Map<string, string>();
  if (!existsSync(file)) return directories;
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as AssetManifest;
  for (const { source, destinations } of Object.values(manifest.files ?? {})) {
    if (source.path === undefined) continue;
    for (const { objectKey } of Object.values(destinations)) {
      directories.set(objectKey, resolve(assemblyDirectory, source.path));
    }
  }
  return directories;
}

/** The resources of one type, in the template's order. */
export function resourcesOfType(template: Template, type: string): [logicalId: string, TemplateResource][] {
  return Object.entries(template.resources).filter(([, resource]) => resource.Type === type);
}
