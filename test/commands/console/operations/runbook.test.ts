import { expect, test } from '@jest/globals';
import { sectionOf } from '../../../../commands/console/operations/runbook.ts';

const DOCUMENT = `# Runbook

## Alarms

### backlog

The queue grows.

#### Why

Slow.

### backlog-of-a-day

Another one.

## Afterwards

Nothing.
`;

test('a section ends at the next heading of its level, or above', () => {
  expect(sectionOf(DOCUMENT, 'backlog')).toBe('The queue grows.\n\n#### Why\n\nSlow.');
  expect(sectionOf(DOCUMENT, 'backlog-of-a-day')).toBe('Another one.');
});

test('a heading that is not there is said', () => {
  expect(() => sectionOf(DOCUMENT, 'age')).toThrow('the runbook has no heading age');
});
