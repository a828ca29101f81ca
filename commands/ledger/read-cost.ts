import type { Reading } from '../../lambdas/ledger/table/list-pages.ts';

/** On-demand price of a read unit in us-east-1, as in `docs/costs.md`, in US dollars. */
const READ_UNIT_USD = 0.125 / 1_000_000;

/** Bytes of an eventually consistent read unit: a half for each 4 KB. */
const BYTES_OF_UNIT = 8192;

/** What reading has cost. */
export interface ReadCost {
  readonly rowsRead: number;
  readonly costUsd: number;
}

/** Adds up what a question reads. */
export function createReadMeter() {
  let rowsRead = 0;
  let units = 0;
  return {
    onRead(reading: Reading): void {
      rowsRead += reading.rows;
      units += reading.units;
    },
    cost: (): ReadCost => ({ rowsRead, costUsd: units * READ_UNIT_USD }),
  };
}

/** @param bytes that are read, eventually consistent @returns US dollars */
export function costOfBytes(bytes: number): number {
  return costOfUnits(bytes / BYTES_OF_UNIT);
}

/** @returns US dollars */
export function costOfUnits(units: number): number {
  return units * READ_UNIT_USD;
}
