import { resourcesOfType, type Template } from './template.ts';

export const ACCOUNT = '000000000000';
export const REGION = 'us-east-1';

/** @param resource in the service's notation: `table/Items` */
export function arnOf(service: string, resource: string): string {
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${resource}`;
}

const PSEUDO_PARAMETERS: Readonly<Record<string, string>> = {
  'AWS::AccountId': ACCOUNT,
  'AWS::Region': REGION,
  'AWS::Partition': 'aws',
};

/** The values of `Ref` and `Fn::GetAtt` for a local resource. */
export interface LocalResource {
  readonly ref: string;
  /** By attribute name, with dots as in the template (`Endpoint.Address`). */
  readonly attributes: Readonly<Record<string, string>>;
}

/** A reference that cannot be resolved. The message has place, resource and attribute. */
export class UnresolvedReference extends Error {
  override readonly name = 'UnresolvedReference';
}

/**
 * Resolves the intrinsic functions of a template with the resources that run locally.
 *
 * A resource of a type in `localTypes` has the registered values only, so a wrong attribute is an error, as in CloudFormation.
 * All other resources (roles, policies, keys, log groups) exist as names only: their `Ref` is the logical id, and their `Arn`
 * is generated.
 */
export class Resolver {
  readonly template: Template;
  readonly #localTypes: ReadonlySet<string>;
  readonly #local = new Map<string, LocalResource>();

  constructor(template: Template, localTypes: ReadonlySet<string>) {
    this.template = template;
    this.#localTypes = localTypes;
  }

  register(logicalId: string, resource: LocalResource): void {
    this.#local.set(logicalId, resource);
  }

  /**
   * @param where the place in the template, for error messages
   * @returns the value without intrinsics; a property that is `AWS::NoValue` is removed
   * @throws UnresolvedReference
   */
  resolve(value: unknown, where: string): unknown {
    if (Array.isArray(value)) {
      return value.map((item) => this.resolve(item, where)).filter((item) => item !== undefined);
    }
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    const [only] = entries;
    if (entries.length === 1 && only && (only[0] === 'Ref' || only[0].startsWith('Fn::'))) {
      return this.#intrinsic(only[0], only[1], where);
    }
    const resolved = entries.map(([key, item]) => [key, this.resolve(item, `${where}.${key}`)] as const);
    return Object.fromEntries(resolved.filter(([, item]) => item !== undefined));
  }

  /** Logical ids of a type, in the template's order. */
  logicalIds(type: string): string[] {
    return resourcesOfType(this.template, type).map(([logicalId]) => logicalId);
  }

  /** @returns the value of the property that names a resource, or else its logical id */
  nameOf(logicalId: string, property: string): string {
    return String(this.resolve(this.template.resources[logicalId]?.Properties?.[property], logicalId) ?? logicalId);
  }

  /** The resolved properties of a resource. @throws UnresolvedReference */
  properties(logicalId: string): Record<string, unknown> {
    return this.resolve(this.template.resources[logicalId]?.Properties ?? {}, logicalId) as Record<string, unknown>;
  }

  #intrinsic(name: string, argument: unknown, where: string): unknown {
    switch (name) {
      case 'Ref':
        return this.#ref(String(argument), where);
      case 'Fn::GetAtt':
        return this.#getAttribute(argument, where);
      case 'Fn::Join': {
        const [separator, parts] = this.#list(argument, where) as [string, unknown[]];
        return parts.map(String).join(separator);
      }
      case 'Fn::Select':
        return this.#select(this.#list(argument, where), where);
      case 'Fn::GetAZs':
        return ['a', 'b', 'c'].map((zone) => `${REGION}${zone}`);
      default:
        throw new UnresolvedReference(`${where}: ${name} is not understood by the local platform`);
    }
  }

  #list(argument: unknown, where: string): unknown[] {
    const list = this.resolve(argument, where);
    if (!Array.isArray(list)) throw new UnresolvedReference(`${where}: an intrinsic function's arguments are no list`);
    return list;
  }

  #select([index, list]: unknown[], where: string): unknown {
    const chosen = Array.isArray(list) ? list[Number(index)] : undefined;
    if (chosen === undefined) throw new UnresolvedReference(`${where}: Fn::Select finds nothing at ${String(index)}`);
    return chosen;
  }

  #ref(id: string, where: string): string | undefined {
    if (id === 'AWS::NoValue') return undefined;
    const pseudo = PSEUDO_PARAMETERS[id];
    if (pseudo !== undefined) return pseudo;
    return this.#find(id, `Ref ${id}`, where)?.ref ?? id;
  }

  #getAttribute(argument: unknown, where: string): string {
    const [id = '', ...rest] = argument as string[];
    const attribute = rest.join('.');
    const local = this.#find(id, `attribute ${attribute} of ${id}`, where);
    if (local === undefined) return this.#syntheticAttribute(id, attribute);
    const value = local.attributes[attribute];
    if (value === undefined) {
      const known = Object.keys(local.attributes).join(', ');
      throw new UnresolvedReference(`${where}: ${id} (${this.#type(id)}) has no attribute ${attribute}, only ${known}`);
    }
    return value;
  }

  /** The local resource, or undefined if its type exists as a name only. */
  #find(id: string, wanted: string, where: string): LocalResource | undefined {
    const type = this.#type(id);
    if (type === undefined) throw new UnresolvedReference(`${where}: ${wanted}: the template has no resource ${id}`);
    const local = this.#local.get(id);
    if (local === undefined && this.#localTypes.has(type)) {
      throw new UnresolvedReference(`${where}: ${wanted}: ${id} (${type}) has no local counterpart yet`);
    }
    return local;
  }

  #type(id: string): string | undefined {
    return this.template.resources[id]?.Type;
  }

  #syntheticAttribute(id: string, attribute: string): string {
    const service = this.#type(id)?.split('::')[1]?.toLowerCase() ?? 'unknown';
    return attribute === 'Arn' ? arnOf(service, id) : `${id}.${attribute}`;
  }
}
