import type { LedgerTable } from '../../lambdas/ledger/ports.ts';
import { CommandFailed } from './failures.ts';
import { heldDays, heldSpan } from './open-ledger.ts';
import { createProgressBar } from './progress-bar.ts';
import type { Stage } from './stage.ts';

/** Shorter than a whole id, and long enough to be unique most of the time: 1 of 16 million. */
export const PREFIX = /^wh_[0-9a-f]{6,39}$/;

export interface IdSource {
  readonly table: Pick<LedgerTable, 'days' | 'idsStartingWith'>;
  readonly stage: Stage;
  /** Wall clock, ms. */
  now(): number;
}

/**
 * Replaces ids that are cut short by whole ones, and returns others as they are. A prefix is looked up among deliveries
 * whose payload is still held, by reading a sixteenth of the ledger's index.
 *
 * @throws CommandFailed where none, or more than one, starts with a prefix; LedgerUnavailable
 */
export async function resolveIds(ids: readonly string[], source: IdSource): Promise<readonly string[]> {
  const prefixes = new Set(ids.filter((id) => PREFIX.test(id)));
  if (prefixes.size === 0) return ids;
  const found = await findIds(prefixes, source);
  return ids.map((id) => (prefixes.has(id) ? onlyId(id, found.get(id) ?? new Set(), source.stage) : id));
}

/** Every id that starts with a prefix, among deliveries whose payload is still held. @throws LedgerUnavailable */
export async function findIds(
  prefixes: ReadonlySet<string>,
  { table, stage, now }: IdSource,
): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const days = await table.days(heldSpan(stage, { now }));
  const found = new Map([...prefixes].map((prefix) => [prefix, new Set<string>()]));
  const progress = createProgressBar({ total: days.length, unit: 'days' });
  for (const [position, day] of days.entries()) {
    for (const [prefix, ids] of found) for await (const id of table.idsStartingWith(day, prefix)) ids.add(id);
    progress.report(position + 1);
  }
  progress.end();
  return found;
}

function onlyId(prefix: string, ids: ReadonlySet<string>, stage: Stage): string {
  const [id, another] = [...ids].toSorted();
  if (id === undefined) {
    const { payloadDays } = heldDays(stage);
    throw new CommandFailed(
      `no delivery that stage ${stage.name} accepted in the last ${payloadDays} days has an id that starts with ${prefix}: an earlier one needs its whole id`,
    );
  }
  if (another === undefined) return id;
  const candidates = [...ids].toSorted().map((one) => `\n  ${one}`);
  throw new CommandFailed(`${prefix} is the start of ${ids.size} ids:${candidates.join('')}`);
}
