import type { ReactNode } from 'react';
import type { ReadCost } from '../../commands/ledger/read-cost.ts';
import { formatNumber } from '../../commands/shared/format.ts';
import { formatCost } from '../../commands/shared/format-cost.ts';

/** `1,234 rows read, $0.0012` */
export function ReadingCost({ rowsRead, costUsd }: ReadCost): ReactNode {
  return `${formatNumber(rowsRead)} rows read, ${formatCost(costUsd)}`;
}
