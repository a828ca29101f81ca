import { DIAGRAM_NODES, type NodeId } from '../../docs/architecture-diagram.ts';

/** The pages that show what a part holds. */
const PAGES: Readonly<Partial<Record<NodeId, string>>> = {
  edlq: '/dead-letters',
  ddlq: '/dead-letters',
  partner: '/integrations',
  ac: '/rollout',
  sm: '/integrations',
  ledger: '/deliveries',
  dq: '/deliveries?state=accepted',
  wf: '/deliveries?state=scheduled',
};

/** An address of the console, or the words of a command. */
export type Details = { readonly page: string } | { readonly words: readonly string[] };

/** Where an operator finds more about a part: a page, or the logs of a function. Undefined if nowhere. */
export function detailsOf(id: NodeId): Details | undefined {
  const page = PAGES[id];
  if (page !== undefined) return { page };
  const { kind, label } = DIAGRAM_NODES[id];
  return kind === 'function' ? { words: ['logs', label[0]] } : undefined;
}
