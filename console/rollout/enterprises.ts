import type { EnterpriseAdoption, PositionedEnterprise } from '../../commands/console/operations/rollout.ts';
import { type EnterpriseChanges, formatPosition } from '../../commands/flag/enterprise-changes.ts';
import { type EvaluatedFlag, evaluateAt } from '../../lambdas/flag/evaluation.ts';

/** Where an enterprise is named. */
export type Source = 'integration' | 'pilot' | 'ledger';

/** An enterprise that the page has read of. */
export interface KnownEnterprise extends PositionedEnterprise {
  readonly sources: readonly Source[];
  /** Undefined until it is read, and if the ledger has no completion of it. */
  readonly adoption?: EnterpriseAdoption;
}

/** What the page has read of enterprises. */
export interface EnterpriseLists {
  readonly ofIntegrations: readonly PositionedEnterprise[];
  readonly pilots: readonly PositionedEnterprise[];
  readonly inLedger: readonly EnterpriseAdoption[];
}

/** Each enterprise once, in the order of ids. */
export function mergeEnterprises({ ofIntegrations, pilots, inLedger }: EnterpriseLists): readonly KnownEnterprise[] {
  const all = new Map<string, KnownEnterprise>();
  const add = ({ id, position }: PositionedEnterprise, source: Source, adoption?: EnterpriseAdoption) => {
    const sources = [...(all.get(id)?.sources ?? []), source];
    all.set(id, { id, position, sources, ...(adoption !== undefined && { adoption }) });
  };
  for (const enterprise of ofIntegrations) add(enterprise, 'integration');
  for (const enterprise of pilots) add(enterprise, 'pilot');
  for (const enterprise of inLedger) add(enterprise, 'ledger', enterprise);
  return [...all.values()].sort((one, other) => (one.id < other.id ? -1 : 1));
}

/** Positions by id, for `evaluateAt`. @returns 100, which no percentage includes, for an id that the page does not know */
export function positionsOf(enterprises: readonly PositionedEnterprise[]): (id: string) => number {
  const positions = new Map(enterprises.map(({ id, position }) => [id, position]));
  return (id) => positions.get(id) ?? 100;
}

/** How many of the known enterprises a change of the flag concerns. Others may be concerned: events name them. */
export function changesText({ on, off, had, have }: EnterpriseChanges, known: number): string {
  if (known === 0) return 'No enterprise is known here, so how many that affects is not known.';
  return `${on.length + off.length} of ${known} known enterprises change: on for ${had}, then for ${have}`;
}

/** An enterprise, and what the flag is for it. */
export interface EnterpriseRow extends KnownEnterprise {
  readonly isOn: boolean;
  readonly why: string;
}

export function evaluateRows(flag: EvaluatedFlag, enterprises: readonly KnownEnterprise[]): readonly EnterpriseRow[] {
  return enterprises.map((enterprise) => {
    const { isOn, reason } = evaluateAt(flag, enterprise.id, () => enterprise.position);
    return { ...enterprise, isOn, why: whyText(reason, enterprise.position, flag.rollout_percentage) };
  });
}

/** `within the percentage: bucket 7.3 < 10` */
export function whyText(reason: ReturnType<typeof evaluateAt>['reason'], position: number, percentage: number): string {
  switch (reason) {
    case 'off':
      return 'the flag is off';
    case 'pilot':
      return 'pilot';
    case 'within_percentage':
      return `within the percentage: bucket ${formatPosition(position)} < ${percentage}`;
    case 'beyond_percentage':
      return `beyond the percentage: bucket ${formatPosition(position)} ≥ ${percentage}`;
  }
}

export type Shown = 'all' | 'on' | 'off';

/** Those whose id contains a text, in any case, and that are on or off. */
export function filterRows(rows: readonly EnterpriseRow[], text: string, shown: Shown): readonly EnterpriseRow[] {
  const part = text.trim().toLowerCase();
  return rows.filter(
    ({ id, isOn }) => (shown === 'all' || isOn === (shown === 'on')) && id.toLowerCase().includes(part),
  );
}

export const SORTED_BY = ['id', 'isOn', 'position', 'adoption'] as const;
export type SortedBy = (typeof SORTED_BY)[number];

/** Rows that are equal in the column stay in the order of ids. */
export function sortRows(
  rows: readonly EnterpriseRow[],
  column: SortedBy,
  isDescending: boolean,
): readonly EnterpriseRow[] {
  const sign = isDescending ? -1 : 1;
  return rows.toSorted((one, other) => {
    const [a, b] = [sortValue(one, column), sortValue(other, column)];
    if (a === b) return one.id < other.id ? -1 : Number(one.id !== other.id);
    return a < b ? -sign : sign;
  });
}

function sortValue({ id, isOn, position, adoption }: EnterpriseRow, column: SortedBy): number | string {
  switch (column) {
    case 'id':
      return id;
    case 'isOn':
      return Number(isOn);
    case 'position':
      return position;
    case 'adoption':
      return adoption?.withLearningTime ?? -1;
  }
}

/** Rows of a table on the page. */
export const PAGE_ROWS = 100;

/** How many pages rows have; at least one. */
export function pageCount(rows: number): number {
  return Math.max(1, Math.ceil(rows / PAGE_ROWS));
}

/** @param page from 1; a page after the last is the last */
export function pageOf<T>(rows: readonly T[], page: number): readonly T[] {
  const from = (Math.min(page, pageCount(rows.length)) - 1) * PAGE_ROWS;
  return rows.slice(from, from + PAGE_ROWS);
}
