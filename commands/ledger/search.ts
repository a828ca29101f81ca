import type { EventSubject } from '../../lambdas/ledger/ports.ts';
import { counted, formatNumber } from '../shared/format.ts';
import { formatCost } from '../shared/format-cost.ts';
import type { LedgerSession } from '../shared/open-ledger.ts';
import { createProgressBar } from '../shared/progress-bar.ts';
import { deliveryRows } from './format-rows.ts';
import { searchEvents } from './search-events.ts';

/** `ledger search`: the deliveries of a learner or of a course, by reading the whole table. @throws LedgerUnavailable */
export async function search(subject: EventSubject, world: LedgerSession): Promise<number> {
  const { table, stageName, print, asJson } = world;
  const progress = createProgressBar({ unit: 'rows read' });
  const { deliveries, total, rowsRead, costUsd } = await searchEvents(subject, table, {
    onProgress: async (found) => progress.report(found.rowsRead),
  });
  progress.end();
  if (asJson) {
    print(JSON.stringify({ stage: stageName, total, rows_read: rowsRead, cost_usd: costUsd, deliveries }));
    return 0;
  }
  const cost = `${counted(rowsRead, 'row')} read, ${formatCost(costUsd)}`;
  if (total === 0) {
    print(`none: the ledger of stage ${stageName} holds no such event (${cost})`);
    return 0;
  }
  print(`${counted(total, 'delivery', 'deliveries')} of stage ${stageName} (${cost})`);
  print(deliveryRows(deliveries, ['delivery', 'integration', 'type', 'accepted', 'state', 'attempts', 'reason']));
  const more = total - deliveries.length;
  if (more > 0) print(`and ${formatNumber(more)} more, accepted before these`);
  return 0;
}
