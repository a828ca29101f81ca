type OneOrMore<T> = T | readonly T[];

/** One statement of an IAM policy document. */
export interface PolicyStatement {
  readonly Effect: string;
  /** Of a resource's policy or a role's trust policy; the policies of a role have none. */
  readonly Principal?: '*' | Readonly<Record<string, OneOrMore<string>>>;
  readonly Action: OneOrMore<string>;
  /** A role's trust policy has none. */
  readonly Resource?: OneOrMore<string>;
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, OneOrMore<string | boolean>>>>>;
}

/** One call, as IAM sees it. */
export interface AccessRequest {
  /** A service (`cloudwatch.amazonaws.com`), or the ARN of a role. */
  readonly principal: string;
  /** `sns:Publish` */
  readonly action: string;
  /** An ARN. Without it only the action and the conditions count, as in a trust policy. */
  readonly resource?: string;
  /** The condition keys of the call. */
  readonly context: Readonly<Record<string, string>>;
}

export type Verdict = 'allowed' | 'not allowed' | 'denied';

/** A policy has an element that is not evaluated here. */
export class PolicyNotUnderstood extends Error {
  override readonly name = 'PolicyNotUnderstood';
}

const ELEMENTS = ['Sid', 'Effect', 'Principal', 'Action', 'Resource', 'Condition'];

/**
 * Decides one call by one policy, as IAM does: a Deny that matches wins, and without an Allow that matches nothing is
 * allowed (IAM User Guide, "Policy evaluation logic").
 *
 * @throws PolicyNotUnderstood where a statement has an element or a condition operator that this does not know
 */
export function evaluatePolicy(statements: readonly PolicyStatement[], request: AccessRequest): Verdict {
  const matching = statements.filter((statement) => matches(statement, request));
  if (matching.some(({ Effect }) => Effect === 'Deny')) return 'denied';
  return matching.some(({ Effect }) => Effect === 'Allow') ? 'allowed' : 'not allowed';
}

/** True where a statement, whatever its effect, is about a call. @throws PolicyNotUnderstood */
export function matches(statement: PolicyStatement, request: AccessRequest): boolean {
  const unknown = Object.keys(statement).find((element) => !ELEMENTS.includes(element));
  if (unknown !== undefined) throw new PolicyNotUnderstood(`the element ${unknown} is not evaluated`);
  const { Principal, Action, Resource, Condition = {} } = statement;
  const { principal, action, resource, context } = request;
  return (
    (Principal === undefined || isAmong(Principal, principal)) &&
    listOf(Action).some((pattern) => matchesPattern(pattern.toLowerCase(), action.toLowerCase())) &&
    (Resource === undefined ||
      resource === undefined ||
      listOf(Resource).some((pattern) => matchesPattern(pattern, resource))) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) =>
        holds(operator, listOf(values).map(String), contextValue(context, key)),
      ),
    )
  );
}

function isAmong(named: NonNullable<PolicyStatement['Principal']>, principal: string): boolean {
  if (named === '*') return true;
  return Object.entries(named).some(([kind, names]) =>
    listOf(names).some((name) => {
      if (kind === 'Service') return name === principal;
      if (kind !== 'AWS') return false;
      return name === '*' || name === principal || isAccountOf(name, principal);
    }),
  );
}

/** An account stands for all of its roles: by its id, or as `arn:aws:iam::<id>:root`. */
function isAccountOf(name: string, principal: string): boolean {
  const account = principal.split(':')[4];
  return account !== undefined && (name === account || name.endsWith(`:${account}:root`));
}

/** Condition keys have no letter case. */
function contextValue(context: AccessRequest['context'], key: string): string | undefined {
  return Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase())?.[1];
}

/** A key that the call does not have fulfills an operator only where that is negative, or ends in `IfExists`. */
function holds(operator: string, expected: readonly string[], value: string | undefined): boolean {
  const [, kind = '', not, how = '', ifExists] =
    /^(String|Arn|Bool)(Not)?(Equals|Like)?(IfExists)?$/.exec(operator) ?? [];
  const test = TESTS[`${kind}${how}`];
  if (test === undefined) throw new PolicyNotUnderstood(`the condition operator ${operator} is not evaluated`);
  if (value === undefined) return not !== undefined || ifExists !== undefined;
  return expected.some((pattern) => test(pattern, value)) === (not === undefined);
}

const TESTS: Readonly<Record<string, (pattern: string, value: string) => boolean>> = {
  StringEquals: (pattern, value) => pattern === value,
  StringLike: matchesPattern,
  // The two operators for ARNs are the same (IAM User Guide, "IAM JSON policy elements: Condition operators").
  ArnEquals: matchesArn,
  ArnLike: matchesArn,
  Bool: (pattern, value) => pattern.toLowerCase() === value.toLowerCase(),
};

/** The six parts of an ARN are compared one by one, so that an asterisk never spans a colon before the last part. */
function matchesArn(pattern: string, arn: string): boolean {
  const [expected, parts] = [arnParts(pattern), arnParts(arn)];
  return expected.length === parts.length && expected.every((part, at) => matchesPattern(part, parts[at] ?? ''));
}

function arnParts(arn: string): string[] {
  const parts = arn.split(':');
  return [...parts.slice(0, 5), parts.slice(5).join(':')];
}

/** `*` stands for any text, `?` for one character. */
function matchesPattern(pattern: string, text: string): boolean {
  const expression = [...pattern].map((one) => (one === '*' ? '.*' : one === '?' ? '.' : RegExp.escape(one))).join('');
  return new RegExp(`^${expression}$`, 's').test(text);
}

function listOf<T>(value: OneOrMore<T>): readonly T[] {
  return Array.isArray(value) ? (value as readonly T[]) : [value as T];
}
