import { CALLING, SILENT, UnknownPath } from './calls-by-reference.ts';
import type { Resource, Template } from './synthesized-stack.ts';
import { idsIn, type ServiceCall, TemplateAccess } from './template-access.ts';

export const KINDS_OF_PATHS: readonly string[] = Object.keys(CALLING);

/**
 * Every call that services make by themselves in a stack, derived from all of its references.
 *
 * @throws UnknownPath for a kind of reference that is not known here: whether a service calls something by it has to be
 *   looked up, and written down in `calls-by-reference.ts`
 */
export function serviceCalls(template: Template): ServiceCall[] {
  const access = new TemplateAccess(template);
  return Object.entries(template.Resources).flatMap(([from, { Type, Properties }]) => [
    ...literalTargets(Type, from, Properties),
    ...references(Properties, Type, Properties).flatMap(({ kind, to, sibling }) => {
      if (!(to in template.Resources)) throw new UnknownPath(`${kind} leads to ${to}, which is not in the template`);
      const calls = CALLING[kind];
      if (calls === undefined && !SILENT.some((silent) => silent.test(kind))) throw new UnknownPath(kind);
      const made = calls?.({ kind, from, to, properties: Properties, sibling, access, template }) ?? [];
      return made.map((call) => ({ ...call, kind, from }));
    }),
  ]);
}

/** Calls that are refused, in words. */
export function refusedCalls(template: Template): string[] {
  const access = new TemplateAccess(template);
  return serviceCalls(template)
    .filter((call) => !access.allows(call))
    .map(({ kind, from, by, action, resource }) => {
      const who = 'service' in by ? by.service : by.role;
      return `${kind}: ${who} may not ${action} on ${resource}, for ${from}`;
    });
}

function references(
  value: unknown,
  kind: string,
  sibling: unknown,
): { readonly kind: string; readonly to: string; readonly sibling: Resource['Properties'] }[] {
  if (Array.isArray(value)) return value.flatMap((item) => references(item, kind, sibling));
  if (typeof value !== 'object' || value === null) return [];
  const [[only = '', inner] = []] = Object.entries(value);
  if (only === 'Ref' || only === 'Fn::GetAtt') return idsIn(value).map((to) => ({ kind, to, sibling }));
  if (only.startsWith('Fn::')) return references(inner, kind, sibling);
  return Object.entries(value).flatMap(([name, item]) =>
    references(item, kind.includes(' ') ? `${kind}.${name}` : `${kind} ${name}`, value),
  );
}

/** Targets that are written out lead past every reference. */
function literalTargets(type: string, from: string, properties: Resource['Properties']): ServiceCall[] {
  if (type === 'AWS::SNS::Subscription' && !['email', 'email-json', 'https'].includes(properties.Protocol)) {
    throw new UnknownPath(`a subscription by ${properties.Protocol}`);
  }
  // AWS's own keys (`alias/aws/…`) allow the account only, and no service (SNS Developer Guide, "Key management").
  if (typeof properties?.KmsMasterKeyId === 'string') {
    const action = 'kms:GenerateDataKey';
    const kind = `${type} KmsMasterKeyId`;
    return [{ kind, from, by: { service: 'any service' }, action, resource: properties.KmsMasterKeyId }];
  }
  return [];
}
