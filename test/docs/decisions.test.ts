import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';

const FOLDER = 'docs/decisions';
const files = readdirSync(FOLDER)
  .filter((name) => name !== 'README.md')
  .sort();
const decisions = files.map((name) => {
  const text = readFileSync(`${FOLDER}/${name}`, 'utf8');
  const [, title = '', status = '', date = ''] = /^# (.+)\n\n- Status: (.+)\n- Date: (.+)\n/.exec(text) ?? [];
  return { name, text, title, status, date };
});

describe.each(decisions)('decision $name', ({ text, title, status, date }) => {
  test('has a title, a status and a date', () => {
    expect(title).not.toBe('');
    expect(status).toMatch(/^(proposed|accepted|superseded by \d{4})$/);
    expect(date).toMatch(/^20\d\d-\d\d-\d\d$/);
  });

  test('has context, alternatives with the chosen one, decision and consequences', () => {
    const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, heading]) => heading);
    expect(headings).toEqual(['Context', 'Alternatives', 'Decision', 'Consequences']);
    const [, alternatives = ''] = text.split('\n## Alternatives\n');
    expect([...(alternatives.split('\n## ')[0] ?? '').matchAll(/^- \*\*.+\(chosen\)/gm)]).toHaveLength(1);
  });
});

test('decisions are numbered without a gap, and all in the list', () => {
  expect(files.map((name) => Number(name.slice(0, 4)))).toEqual(files.map((_, index) => index + 1));
  const listed = readFileSync(`${FOLDER}/README.md`, 'utf8').match(/^\| \[.*$/gm);
  expect(listed).toEqual(
    decisions.map(
      ({ name, title, status, date }) => `| [${name.slice(0, 4)}](${name}) | ${title} | ${status} | ${date} |`,
    ),
  );
});
