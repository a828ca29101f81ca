import { createHash } from 'node:crypto';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from '@babel/parser';

/** One change of one place in the code. `start` is the offset of `before` in the file. */
export type Mutant = {
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly operator: string;
  readonly start: number;
  readonly before: string;
  readonly after: string;
};

type Node = {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly extra?: { readonly parenthesized?: boolean; readonly parenStart?: number };
  // biome-ignore lint/suspicious/noExplicitAny: a syntax tree is read by field name
  readonly [field: string]: any;
};

type Edit = { readonly operator: string; readonly start: number; readonly end: number; readonly after: string };

const COMPARISONS: Readonly<Record<string, string>> = {
  '<': '<=',
  '<=': '<',
  '>': '>=',
  '>=': '>',
  '===': '!==',
  '!==': '===',
};
const ARITHMETIC: Readonly<Record<string, string>> = { '+': '-', '-': '+', '*': '/', '/': '*' };
/** Nodes of TypeScript that hold an expression. All others are types. */
const HOLD_EXPRESSION = ['TSAsExpression', 'TSSatisfiesExpression', 'TSNonNullExpression'];

/** All mutants of the files under `lambdas/` and `lib/`, in an order that only the seed and each mutant's id decide. */
export function findMutants(checkout: string, seed: string): Mutant[] {
  const files = globSync('{lambdas,lib}/**/*.ts', { cwd: checkout, exclude: (name) => name.endsWith('.d.ts') }).sort();
  const mutants = files.flatMap((file) => mutantsOf(file, readFileSync(join(checkout, file), 'utf8')));
  const rank = new Map(mutants.map(({ id }) => [id, hash(seed, id)]));
  const byRank = (one: Mutant, other: Mutant) => ((rank.get(one.id) ?? '') < (rank.get(other.id) ?? '') ? -1 : 1);
  const groups = [...Map.groupBy(mutants.sort(byRank), ({ operator }) => operator)];
  groups.sort(([one], [other]) => (one < other ? -1 : 1));
  // The operators take turns. There are far more strings and numbers than comparisons.
  const longest = Math.max(0, ...groups.map(([, group]) => group.length));
  return Array.from({ length: longest }, (_, turn) => groups.flatMap(([, group]) => group[turn] ?? [])).flat();
}

function mutantsOf(file: string, text: string): Mutant[] {
  const tree = parse(text, { sourceType: 'module', plugins: ['typescript'], createParenthesizedExpressions: false });
  const edits: Edit[] = [];
  visit(tree.program as unknown as Node, text, edits);
  return edits.map(({ operator, start, end, after }) => {
    const before = text.slice(start, end);
    const { lines, column, occurrence } = contextOf(text, start, end);
    const id = hash(file, operator, lines, String(column), String(occurrence), before, after).slice(0, 10);
    const line = text.slice(0, start).split('\n').length;
    return { id, file, line, column: column + 1, operator, start, before, after };
  });
}

function visit(node: Node, text: string, edits: Edit[]): void {
  if (node.type.startsWith('TS')) {
    if (HOLD_EXPRESSION.includes(node.type)) visit(node.expression, text, edits);
    return;
  }
  if (node.type === 'Decorator' || node.type === 'ImportDeclaration' || node.type === 'ExportAllDeclaration') return;
  edits.push(...editsOf(node, text));
  for (const [field, value] of Object.entries(node)) {
    if (isSkipped(node, field)) continue;
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string' && typeof child.start === 'number') visit(child, text, edits);
    }
  }
}

/** Messages of the log, descriptions, names and modules are not behaviour. */
function isSkipped(node: Node, field: string): boolean {
  if (field.endsWith('Comments') || field === 'directives') return true;
  if (field === 'key') return node.computed !== true;
  if (field === 'source') return true;
  if (field === 'value') return node.key?.name === 'description';
  return field === 'arguments' && (isLogCall(node) || /\bdescribe$/.test(node.callee?.property?.name ?? ''));
}

function isLogCall(node: Node): boolean {
  const object = node.callee?.object;
  return ['console', 'log', 'logger'].includes(object?.name ?? object?.property?.name);
}

function editsOf(node: Node, text: string): Edit[] {
  const { type, start, end } = node;
  const replaceNode = (operator: string, after: string): Edit[] => [{ operator, start, end, after }];
  switch (type) {
    case 'BinaryExpression': {
      const after = COMPARISONS[node.operator] ?? ARITHMETIC[node.operator];
      if (after === undefined || isText(node.left) || isText(node.right)) return [];
      return [{ ...tokenOf(node, text), operator: node.operator in ARITHMETIC ? 'arithmetic' : 'comparison', after }];
    }
    case 'LogicalExpression': {
      const token = tokenOf(node, text);
      if (node.operator === '??') return [{ operator: 'default removed', start: token.start, end, after: '' }];
      return [{ ...token, operator: 'and/or', after: node.operator === '&&' ? '||' : '&&' }];
    }
    case 'IfStatement':
    case 'ConditionalExpression': {
      const { start, end } = node.test;
      return [{ operator: 'condition negated', start, end, after: `!(${text.slice(start, end)})` }];
    }
    case 'NumericLiteral':
      return replaceNode('number', String(node.value + 1));
    case 'BooleanLiteral':
      return replaceNode('boolean', String(!node.value));
    case 'StringLiteral':
      return node.value === '' ? [] : replaceNode('string', "''");
    case 'ExpressionStatement': {
      const call = node.expression.type === 'AwaitExpression' ? node.expression.argument : node.expression;
      const isCall = call.type === 'CallExpression' || call.type === 'OptionalCallExpression';
      return isCall && call.callee.type !== 'Super' && !isLogCall(call) ? replaceNode('call deleted', ';') : [];
    }
    case 'ReturnStatement':
      return isNothing(node.argument) ? [] : replaceNode('return undefined', 'return undefined;');
    case 'ArrowFunctionExpression': {
      const { body } = node;
      if (body.type === 'BlockStatement' || isNothing(body)) return [];
      return [{ operator: 'return undefined', start: body.extra?.parenStart ?? body.start, end, after: 'undefined' }];
    }
    default:
      return [];
  }
}

/** The operator between the two sides, without their parentheses. */
function tokenOf(node: Node, text: string): { start: number; end: number } {
  const start = text.indexOf(node.operator, node.left.end);
  return { start, end: start + node.operator.length };
}

function isText(node: Node): boolean {
  if (node.type === 'BinaryExpression' && node.operator === '+') return isText(node.left) || isText(node.right);
  return node.type === 'TemplateLiteral';
}

function isNothing(node: Node | null): boolean {
  return node === null || (node.type === 'Identifier' && node.name === 'undefined');
}

/** The whole lines around a place, and which of the file's equal lines they are. */
function contextOf(text: string, start: number, end: number) {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const lineEnd = text.indexOf('\n', end);
  const lines = text.slice(lineStart, lineEnd === -1 ? text.length : lineEnd);
  const places = placesOf(lines, text);
  return { lines, column: start - lineStart, occurrence: places.indexOf(lineStart), times: places.length };
}

function placesOf(lines: string, text: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(lines); at !== -1; at = text.indexOf(lines, at + 1)) {
    const endsLine = at + lines.length === text.length || text[at + lines.length] === '\n';
    if (endsLine && (at === 0 || text[at - 1] === '\n')) places.push(at);
  }
  return places;
}

/** The same mutant in another version of its file; undefined where its lines differ there, or occur another number of times. */
export function placeMutant(mutant: Mutant, source: string, target: string): Mutant | undefined {
  const { lines, column, occurrence, times } = contextOf(source, mutant.start, mutant.start + mutant.before.length);
  const places = placesOf(lines, target);
  const place = places[occurrence];
  return places.length === times && place !== undefined ? { ...mutant, start: place + column } : undefined;
}

/** The text with all of the mutants, which do not overlap. */
export function applyMutants(text: string, mutants: readonly Mutant[]): string {
  let changed = text;
  for (const { file, start, before, after } of mutants.toSorted((one, other) => other.start - one.start)) {
    if (!changed.startsWith(before, start)) throw new Error(`${file} changed meanwhile: start again`);
    changed = changed.slice(0, start) + after + changed.slice(start + before.length);
  }
  return changed;
}

export function hash(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}
