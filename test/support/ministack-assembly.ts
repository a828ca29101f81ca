import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Resource, Template } from './synthesized-stack.ts';

/** Resource types that ministack's CloudFormation does not know (1.5.33). */
const UNKNOWN_TYPES = [
  'AWS::CloudWatch::CompositeAlarm',
  'AWS::EC2::EIP',
  'AWS::EC2::FlowLog',
  'AWS::EC2::NatGateway',
  'AWS::EC2::SecurityGroupIngress',
  'AWS::ElastiCache::ServerlessCache',
  'AWS::Logs::QueryDefinition',
] as const;
const METRIC_MATH = 'AWS::CloudWatch::Alarm with metric math';

/** Every kind of resource that is left out: the test expects each of them in the template, so none is listed in vain. */
export const LEFT_OUT: readonly string[] = [...UNKNOWN_TYPES, METRIC_MATH];

type Body = Omit<Template, 'Resources'> & {
  readonly Resources: Readonly<Record<string, Resource & { readonly DependsOn?: string | readonly string[] }>>;
};

export interface CacheAddress {
  readonly host: string;
  readonly port: number;
}

/** The kind under which a resource is left out; undefined where ministack takes it. */
function kindLeftOut({ Type, Properties }: Resource): string | undefined {
  if (UNKNOWN_TYPES.some((type) => type === Type)) return Type;
  return Type === 'AWS::CloudWatch::Alarm' && Properties.Metrics !== undefined ? METRIC_MATH : undefined;
}

/**
 * Copies a cloud assembly, without the resources that ministack does not know. What refers to one of them gets its name
 * instead, or the cache's address. Nothing else changes.
 *
 * @returns how many resources of each kind are left out
 */
export function writeMinistackAssembly(
  source: string,
  directory: string,
  stackName: string,
  cache: CacheAddress,
): ReadonlyMap<string, number> {
  cpSync(source, directory, { recursive: true });
  const file = join(directory, `${stackName}.template.json`);
  const template = JSON.parse(readFileSync(file, 'utf8')) as Body;
  const kinds = new Map(
    Object.entries(template.Resources).flatMap(([id, resource]) => {
      const kind = kindLeftOut(resource);
      return kind === undefined ? [] : [[id, kind] as const];
    }),
  );
  const kept = Object.entries(template.Resources).filter(([id]) => !kinds.has(id));
  const Resources = Object.fromEntries(
    kept.map(([id, { DependsOn = [], ...resource }]) => [
      id,
      { ...resource, DependsOn: [DependsOn].flat().filter((other) => !kinds.has(other)) },
    ]),
  );
  const cut = withoutReferences({ ...template, Resources }, new Set(kinds.keys()), cache);
  writeFileSync(file, JSON.stringify(cut));
  const counts = new Map<string, number>();
  for (const kind of kinds.values()) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return counts;
}

function withoutReferences(value: unknown, gone: ReadonlySet<string>, cache: CacheAddress): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutReferences(item, gone, cache));
  if (typeof value !== 'object' || value === null) return value;
  const { Ref, 'Fn::GetAtt': attribute } = value as { Ref?: string; 'Fn::GetAtt'?: readonly [string, string] };
  if (Ref !== undefined && gone.has(Ref)) return Ref;
  if (attribute !== undefined && gone.has(attribute[0])) {
    if (attribute[1] === 'Endpoint.Address') return cache.host;
    return attribute[1] === 'Endpoint.Port' ? String(cache.port) : attribute[0];
  }
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutReferences(item, gone, cache)]));
}
