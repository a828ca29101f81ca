import { evaluatePolicy, matches, type PolicyStatement } from '../../commands/preflight/evaluate-policy.ts';
import { ACCOUNT, REGION, Resolver } from '../../local/resolver.ts';
import type { Resource, Template } from './synthesized-stack.ts';

/** A call that a service makes by itself, once the stack is deployed. */
export interface ServiceCall {
  /** What makes it necessary, as `AWS::Events::Rule Targets.Arn`: one for each kind of path. */
  readonly kind: string;
  /** The resource that it is made for. */
  readonly from: string;
  /** A service; or the logical id of a role, in whose name the service calls. */
  readonly by: { readonly service: string } | { readonly role: string };
  readonly action: string;
  /** The ARN that it is made on. */
  readonly resource: string;
  /** The resource whose own policy counts: a role for `sts:AssumeRole`, a topic, a queue, a function, a key. */
  readonly on?: string;
  /** Condition keys, except the account's and encryption in transit. */
  readonly context?: Readonly<Record<string, string>>;
}

/** A statement, and where in the template it stands: `<logical id>#<index>`. */
export interface Grant {
  readonly statement: PolicyStatement;
  readonly at: string;
}

/** What the policies of a template allow, with every reference resolved as one account would have it. */
export class TemplateAccess {
  readonly #template: Template;
  readonly #resolver: Resolver;
  /** Resolved once: a stack has some hundred calls, and few policies. */
  readonly #known = new Map<string, readonly Grant[]>();

  constructor(template: Template) {
    this.#template = template;
    this.#resolver = new Resolver({ ...EMPTY, resources: template.Resources }, new Set());
    for (const [id, resource] of Object.entries(template.Resources)) {
      const known = IDENTITIES[resource.Type]?.(id, resource.Properties);
      if (known !== undefined) this.#resolver.register(id, known);
    }
  }

  /** A value without intrinsic functions. */
  resolve(value: unknown): unknown {
    return this.#resolver.resolve(value, 'template');
  }

  /** Of a resource of the template. */
  arn(id: string): string {
    const type = this.#template.Resources[id]?.Type ?? '';
    const byRef = ['AWS::SNS::Topic', 'AWS::StepFunctions::StateMachine', 'AWS::SecretsManager::Secret'];
    return String(this.resolve(byRef.includes(type) ? { Ref: id } : { 'Fn::GetAtt': [id, 'Arn'] }));
  }

  /** The properties of all resources of a type, by their logical ids. */
  all(type: string): [string, Resource['Properties']][] {
    return Object.entries(this.#template.Resources)
      .filter(([, { Type }]) => Type === type)
      .map(([id, { Properties }]) => [id, Properties]);
  }

  /** Statements by which a call is decided; those of a role, and those of what it calls. */
  grants({ by, on }: Pick<ServiceCall, 'by' | 'on'>): {
    readonly own: readonly Grant[];
    readonly target: readonly Grant[];
  } {
    return {
      own: 'role' in by ? this.#once(`role ${by.role}`, () => this.#identityPolicies(by.role)) : [],
      target: on === undefined ? [] : this.#once(`resource ${on}`, () => this.#resourcePolicies(on)),
    };
  }

  #once(key: string, read: () => readonly Grant[]): readonly Grant[] {
    const grants = this.#known.get(key) ?? read();
    this.#known.set(key, grants);
    return grants;
  }

  /**
   * Is a call allowed? A service needs the resource's policy. A role needs its own; the resource's may still refuse it,
   * and a key's must allow it too (KMS Developer Guide, "Key policies").
   */
  allows(call: ServiceCall): boolean {
    const { own, target } = this.grants(call);
    const request = this.request(call);
    const [mine, theirs] = [own, target].map((grants) =>
      evaluatePolicy(
        grants.map(({ statement }) => statement),
        request,
      ),
    );
    if ('service' in call.by) return theirs === 'allowed';
    const isKey = call.on !== undefined && this.#template.Resources[call.on]?.Type === 'AWS::KMS::Key';
    return mine === 'allowed' && (isKey ? theirs === 'allowed' : theirs !== 'denied');
  }

  /** The Allow statements that a call is allowed by. */
  allowedBy(call: ServiceCall): readonly Grant[] {
    const { own, target } = this.grants(call);
    const request = this.request(call);
    return [...own, ...target].filter(({ statement }) => statement.Effect === 'Allow' && matches(statement, request));
  }

  request({ by, action, resource, context = {} }: ServiceCall) {
    const principal = 'service' in by ? by.service : this.arn(by.role);
    return {
      principal,
      action,
      resource,
      context: { 'aws:SourceAccount': ACCOUNT, 'aws:SecureTransport': 'true', ...context },
    };
  }

  /** @throws Error where a role has policies that are not evaluated here */
  #identityPolicies(roleId: string): Grant[] {
    const { ManagedPolicyArns, Policies } = this.#template.Resources[roleId]?.Properties ?? {};
    if (ManagedPolicyArns !== undefined || Policies !== undefined) throw new Error(`${roleId} has policies in itself`);
    return this.all('AWS::IAM::Policy')
      .filter(([, { Roles }]) => idsIn(Roles).includes(roleId))
      .flatMap(([id, { PolicyDocument }]) => this.#statements(id, PolicyDocument));
  }

  #resourcePolicies(id: string): Grant[] {
    const attached = Object.entries(ATTACHED_POLICIES).flatMap(([type, to]) =>
      this.all(type)
        .filter(([, properties]) => idsIn(properties[to]).includes(id))
        .flatMap(([policy, { PolicyDocument }]) => this.#statements(policy, PolicyDocument)),
    );
    const { AssumeRolePolicyDocument, KeyPolicy } = this.#template.Resources[id]?.Properties ?? {};
    return [...attached, ...this.#statements(id, AssumeRolePolicyDocument ?? KeyPolicy), ...this.#permissions(id)];
  }

  #statements(id: string, document: { readonly Statement: unknown } | undefined): Grant[] {
    if (document === undefined) return [];
    const statements = this.resolve(document.Statement) as PolicyStatement[];
    return statements.map((statement, index) => ({ statement, at: `${id}#${index}` }));
  }

  /** A function's policy, of which each permission is a statement (Lambda Developer Guide, "Resource-based policies"). */
  #permissions(functionId: string): Grant[] {
    return this.all('AWS::Lambda::Permission')
      .filter(([, { FunctionName }]) => idsIn(FunctionName).includes(functionId))
      .map(([id, properties]) => {
        const { Action, Principal, SourceArn, SourceAccount, ...others } = properties;
        const unknown = Object.keys(others).find((name) => name !== 'FunctionName');
        if (unknown !== undefined) throw new Error(`${id}: ${unknown} is not evaluated`);
        const Condition = {
          ...(SourceArn !== undefined && { ArnLike: { 'aws:SourceArn': String(this.resolve(SourceArn)) } }),
          ...(SourceAccount !== undefined && {
            StringEquals: { 'aws:SourceAccount': String(this.resolve(SourceAccount)) },
          }),
        };
        const Resource = this.arn(functionId);
        return {
          statement: { Effect: 'Allow', Principal: { Service: Principal }, Action, Resource, Condition },
          at: `${id}#0`,
        };
      });
  }
}

const EMPTY = { parameters: {}, outputs: {}, assetDirectories: new Map<string, string>() };

/** Resources that hold the policy of another, and the property that names it. */
const ATTACHED_POLICIES = { 'AWS::SNS::TopicPolicy': 'Topics', 'AWS::SQS::QueuePolicy': 'Queues' } as const;

/** What `Ref` and `Arn` are of, where policies compare them. All others are made up by the resolver. */
const IDENTITIES: Readonly<
  Record<
    string,
    (id: string, properties: Resource['Properties']) => { ref: string; attributes: Record<string, string> }
  >
> = {
  'AWS::CloudWatch::Alarm': (id, { AlarmName }) =>
    named(`cloudwatch:${REGION}:${ACCOUNT}:alarm:${AlarmName ?? id}`, id),
  'AWS::CloudWatch::CompositeAlarm': (id, { AlarmName }) =>
    named(`cloudwatch:${REGION}:${ACCOUNT}:alarm:${AlarmName ?? id}`, id),
  'AWS::SNS::Topic': (id) => {
    const arn = `arn:aws:sns:${REGION}:${ACCOUNT}:${id}`;
    return { ref: arn, attributes: { TopicArn: arn, TopicName: id } };
  },
  'AWS::SQS::Queue': (id) => {
    const { attributes } = named(`sqs:${REGION}:${ACCOUNT}:${id}`, id);
    return {
      ref: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${id}`,
      attributes: { ...attributes, QueueName: id },
    };
  },
  'AWS::Lambda::Function': (id) => named(`lambda:${REGION}:${ACCOUNT}:function:${id}`, id),
  'AWS::Events::Rule': (id) => named(`events:${REGION}:${ACCOUNT}:rule/${id}`, id),
  'AWS::IAM::Role': (id) => named(`iam::${ACCOUNT}:role/${id}`, id),
  'AWS::KMS::Key': (id) => named(`kms:${REGION}:${ACCOUNT}:key/${id}`, id),
  'AWS::Logs::LogGroup': (id, { LogGroupName }) =>
    named(`logs:${REGION}:${ACCOUNT}:log-group:${LogGroupName ?? id}:*`, id),
  'AWS::StepFunctions::StateMachine': (id, { StateMachineName }) => {
    const { attributes } = named(`states:${REGION}:${ACCOUNT}:stateMachine:${StateMachineName ?? id}`, id);
    return { ref: attributes.Arn ?? '', attributes: { ...attributes, Name: StateMachineName ?? id } };
  },
};

function named(path: string, id: string): { ref: string; attributes: Record<string, string> } {
  return { ref: id, attributes: { Arn: `arn:aws:${path}` } };
}

/** The logical ids that a value refers to. */
export function idsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(idsIn);
  if (typeof value !== 'object' || value === null) return [];
  const { Ref, 'Fn::GetAtt': attribute, ...others } = value as Record<string, unknown>;
  if (typeof Ref === 'string') return Ref.startsWith('AWS::') ? [] : [Ref];
  if (attribute !== undefined) return [String(Array.isArray(attribute) ? attribute[0] : attribute)];
  return Object.values(others).flatMap(idsIn);
}
