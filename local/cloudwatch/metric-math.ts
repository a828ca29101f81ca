/**
 * The part of CloudWatch's metric math that our alarms use: numbers, ids, `+ - * /`, comparisons, `IF` and `FILL`, with one
 * value per id. A missing value makes results undefined, except with `FILL`.
 */

type Value = number | undefined;

const TOKEN = /\s*(?:(\d+(?:\.\d+)?)|([A-Za-z_]\w*)|(>=|<=|==|!=|[-+*/()<>,]))/y;

const OPERATORS: readonly Readonly<Record<string, (left: number, right: number) => number>>[] = [
  {
    '>=': (left, right) => Number(left >= right),
    '<=': (left, right) => Number(left <= right),
    '>': (left, right) => Number(left > right),
    '<': (left, right) => Number(left < right),
    '==': (left, right) => Number(left === right),
    '!=': (left, right) => Number(left !== right),
  },
  { '+': (left, right) => left + right, '-': (left, right) => left - right },
  { '*': (left, right) => left * right, '/': (left, right) => left / right },
];

/** @throws SyntaxError if it is not an expression, or uses something unsupported */
export function evaluate(expression: string, valueById: (id: string) => Value): Value {
  const tokens = tokenize(expression);
  let at = 0;
  const peek = () => tokens[at];
  const take = (expected?: string) => {
    const token = tokens[at];
    if (token === undefined || (expected !== undefined && token !== expected)) {
      throw new SyntaxError(`${expression}: ${token ?? 'the end'} where ${expected ?? 'something'} is expected`);
    }
    at += 1;
    return token;
  };

  function binary(level: number): Value {
    const operators = OPERATORS[level];
    if (operators === undefined) return primary();
    let left = binary(level + 1);
    for (;;) {
      const operator = operators[peek() ?? ''];
      if (operator === undefined) return left;
      take();
      const right = binary(level + 1);
      left = left === undefined || right === undefined ? undefined : operator(left, right);
    }
  }

  function primary(): Value {
    const token = take();
    if (token === '(') {
      const value = binary(0);
      take(')');
      return value;
    }
    if (/^\d/.test(token)) return Number(token);
    if (!/^\w/.test(token)) throw new SyntaxError(`${expression}: ${token} is not a value`);
    return peek() === '(' ? call(token) : valueById(token);
  }

  function call(name: string): Value {
    const given: Value[] = [];
    take('(');
    do given.push(binary(0));
    while (peek() === ',' && take() === ',');
    take(')');
    if (name === 'FILL') return given[0] ?? given[1];
    if (name === 'IF') return given[0] === undefined ? undefined : given[0] === 0 ? given[2] : given[1];
    throw new SyntaxError(`${expression}: ${name} is not supported`);
  }

  const value = binary(0);
  if (at < tokens.length) throw new SyntaxError(`${expression}: unexpected ${peek()}`);
  // A division by 0 has no value.
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

function tokenize(expression: string): string[] {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (expression.slice(TOKEN.lastIndex).trim() !== '') {
    const from = TOKEN.lastIndex;
    const [, number, id, sign] = TOKEN.exec(expression) ?? [];
    const token = number ?? id ?? sign;
    if (token === undefined) throw new SyntaxError(`${expression}: unreadable from ${expression.slice(from)}`);
    tokens.push(token);
  }
  return tokens;
}
