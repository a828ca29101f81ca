/**
 * The containers of docs/architecture.md: its Mermaid diagram and the console's page "Architecture" are both made from
 * this file, and a test compares the diagram's text with it.
 */

/** `function`: a Lambda function. `workflow`: a Step Functions state machine. `other`: outside of the stack. */
export type NodeKind = 'other' | 'queue' | 'function' | 'workflow' | 'store';

export interface DiagramNode {
  /** Lines of text: the name, and what it is. */
  readonly label: readonly [name: string, ...detail: string[]];
  readonly kind: NodeKind;
}

const NODES = {
  lms: { label: ['LMS'], kind: 'other' },
  eq: { label: ['events queue', 'SQS'], kind: 'queue' },
  eb: { label: ['EnrichBatch'], kind: 'function' },
  edlq: { label: ['events DLQ'], kind: 'queue' },
  dq: { label: ['deliveries queue', 'SQS'], kind: 'queue' },
  wf: { label: ['retry workflow', 'Step Functions'], kind: 'workflow' },
  db: { label: ['DeliverBatch'], kind: 'function' },
  partner: { label: ['Partner'], kind: 'other' },
  ddlq: { label: ['deliveries DLQ'], kind: 'queue' },
  et: { label: ['EnrichTask'], kind: 'function' },
  dt: { label: ['DeliverTask'], kind: 'function' },
  re: { label: ['RescueExecution'], kind: 'function' },
  se: { label: ['SweepExecutions'], kind: 'function' },
  sf: { label: ['Snowflake'], kind: 'store' },
  vk: { label: ['Valkey', 'ElastiCache'], kind: 'store' },
  wc: { label: ['WarmCache', 'every 15 minutes'], kind: 'function' },
  ledger: { label: ['ledger', 'DynamoDB'], kind: 'store' },
  ac: { label: ['AppConfig'], kind: 'store' },
  sm: { label: ['Secrets Manager'], kind: 'store' },
  rec: { label: ['Reconcile', 'hourly'], kind: 'function' },
} as const satisfies Readonly<Record<string, DiagramNode>>;

export type NodeId = keyof typeof NODES;

/** The parts, by id. */
export const DIAGRAM_NODES: Readonly<Record<NodeId, DiagramNode>> = NODES;

export const NODE_IDS = Object.keys(NODES) as NodeId[];

/** An arrow from each of some parts to each of others. */
export interface DiagramEdge {
  readonly from: readonly NodeId[];
  readonly to: readonly NodeId[];
  /** Lines of text; none: the parts say it. */
  readonly label: readonly string[];
  /** `event`: a solid arrow, which carries events. `access`: a dotted arrow, a read or write that an event depends on. */
  readonly kind: 'event' | 'access';
}

const EDGES = {
  published: { from: ['lms'], to: ['eq'], label: ['event'], kind: 'event' },
  eventsWaiting: { from: ['eq'], to: ['eb'], label: [], kind: 'event' },
  malformed: { from: ['eb'], to: ['edlq'], label: ['malformed'], kind: 'event' },
  enriched: { from: ['eb'], to: ['dq'], label: ['delivery'], kind: 'event' },
  enrichedLater: { from: ['eb'], to: ['wf'], label: ['warehouse failed,', 'or send_at is later'], kind: 'event' },
  deliveriesWaiting: { from: ['dq'], to: ['db'], label: [], kind: 'event' },
  sent: { from: ['db'], to: ['partner'], label: ['signed webhook'], kind: 'event' },
  retried: { from: ['db'], to: ['wf'], label: ['retry, park'], kind: 'event' },
  dead: { from: ['db'], to: ['ddlq'], label: ['permanent failure'], kind: 'event' },
  executions: { from: ['wf'], to: ['et', 'dt'], label: [], kind: 'event' },
  sentLater: { from: ['dt'], to: ['partner'], label: ['signed webhook'], kind: 'event' },
  deadLater: { from: ['wf'], to: ['ddlq'], label: ['permanent failure'], kind: 'event' },
  executionFailed: { from: ['wf'], to: ['re', 'se'], label: ['execution failed'], kind: 'event' },
  rescued: { from: ['re', 'se'], to: ['wf'], label: ['new execution,', 'which dead-letters'], kind: 'event' },
  notRescued: { from: ['re'], to: ['ddlq'], label: ['no execution can start'], kind: 'event' },
  queries: { from: ['eb', 'et'], to: ['sf'], label: ['learning time'], kind: 'access' },
  cacheReads: { from: ['eb', 'et'], to: ['vk'], label: ['cached results'], kind: 'access' },
  tableReads: { from: ['wc'], to: ['sf'], label: ['changed table'], kind: 'access' },
  cacheLoads: { from: ['wc'], to: ['vk'], label: ['load'], kind: 'access' },
  limiter: { from: ['db', 'dt'], to: ['vk'], label: ['rate limiter,', 'circuit breaker'], kind: 'access' },
  ledgerWrites: { from: ['eb', 'db', 'dt'], to: ['ledger'], label: ['claim, settle'], kind: 'access' },
  configuration: { from: ['eb', 'db', 'dt'], to: ['ac'], label: ['flag, integrations'], kind: 'access' },
  credentials: { from: ['db', 'dt', 'eb'], to: ['sm'], label: ['credentials'], kind: 'access' },
  reconciled: { from: ['rec'], to: ['ledger'], label: ['what is missing'], kind: 'access' },
  resent: { from: ['rec'], to: ['dq'], label: ['resend'], kind: 'event' },
} as const satisfies Readonly<Record<string, DiagramEdge>>;

export type EdgeId = keyof typeof EDGES;

/** The arrows, by id. */
export const DIAGRAM_EDGES: Readonly<Record<EdgeId, DiagramEdge>> = EDGES;

export const EDGE_IDS = Object.keys(EDGES) as EdgeId[];

/** The diagram in Mermaid's language, with a line break after each line. A part has its shape where it occurs first. */
export function mermaidText(): string {
  const known = new Set<NodeId>();
  const node = (id: NodeId) => {
    if (known.has(id)) return id;
    known.add(id);
    return `${id}${shapeOf(DIAGRAM_NODES[id])}`;
  };
  const lines = EDGE_IDS.map((id) => {
    const { from, to, label, kind } = DIAGRAM_EDGES[id];
    const [plain, line, head] = kind === 'event' ? ['-->', '--', '-->'] : ['-.->', '-.', '.->'];
    const arrow = label.length === 0 ? plain : `${line} ${quoted(label)} ${head}`;
    return `  ${from.map(node).join(' & ')} ${arrow} ${to.map(node).join(' & ')}\n`;
  });
  return `flowchart LR\n${lines.join('')}`;
}

function shapeOf({ label, kind }: DiagramNode): string {
  const [name, ...detail] = label;
  switch (kind) {
    case 'function':
      return `[${quoted([`${name} λ`, ...detail])}]`;
    case 'workflow':
      return `{{${quoted(label)}}}`;
    case 'other':
      return `[${quoted(label)}]`;
    default:
      return `[(${quoted(label)})]`;
  }
}

function quoted(lines: readonly string[]): string {
  return `"${lines.join('<br>')}"`;
}
