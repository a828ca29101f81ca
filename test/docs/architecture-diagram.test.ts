import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { DIAGRAM_EDGES, EDGE_IDS, mermaidText, NODE_IDS } from '../../docs/architecture-diagram.ts';
import { codeOf } from './guide-steps.ts';

test('docs/architecture.md has the diagram that the console shows', () => {
  const page = readFileSync('docs/architecture.md', 'utf8');
  expect(codeOf(page, 'mermaid')[0]).toBe(mermaidText());
});

test('each part has an arrow', () => {
  const used = new Set(EDGE_IDS.flatMap((id) => [...DIAGRAM_EDGES[id].from, ...DIAGRAM_EDGES[id].to]));
  expect(NODE_IDS.filter((id) => !used.has(id))).toEqual([]);
});
