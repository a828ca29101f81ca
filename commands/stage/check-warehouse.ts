import * as z from 'zod';
import { type CheckWarehouseReport, WAREHOUSE_CHECKS, type WarehouseCheck } from '../../lambdas/warehouse/check.ts';
import type { Context } from '../shared/context.ts';
import { alignColumns, oneLine } from '../shared/format.ts';
import { invokeFunction } from '../shared/invoke-function.ts';
import { readKnownSums } from './known-sums.ts';

/** As the function returns it; a field that a newer one adds is ignored. */
const reportSchema = z.object({
  checks: z
    .array(
      z.object({
        check: z.enum(WAREHOUSE_CHECKS),
        verdict: z.enum(['yes', 'no', 'not_made']),
        finding: z.string(),
        warning: z.string().exactOptional(),
        remedy: z.string().exactOptional(),
        differences: z.array(z.string()).exactOptional(),
      }),
    )
    .min(1),
}) satisfies z.ZodType<CheckWarehouseReport>;

export interface CheckWarehouseOptions {
  readonly stage: string;
  /** A CSV file of known sums. */
  readonly sample?: string | undefined;
  readonly json?: true | undefined;
}

/** `check-warehouse`: 0 where every check is a yes, else 1. @throws CommandFailed */
export async function checkWarehouse(
  { sample: file, stage: stageName, json }: CheckWarehouseOptions,
  context: Context,
): Promise<number> {
  const sample = file === undefined ? undefined : readKnownSums(file);
  const stage = await context.openStage(stageName);
  const report = await invokeFunction(stage, {
    output: 'CheckWarehouseFunctionName',
    name: 'CheckWarehouse',
    input: { ...(sample !== undefined && { sample }) },
    schema: reportSchema,
  });
  context.terminal.print(json ? JSON.stringify({ stage: stage.name, ...report }) : formatChecks(report, stage.name));
  return isAllYes(report) ? 0 : 1;
}

function isAllYes({ checks }: CheckWarehouseReport): boolean {
  return checks.every(({ verdict }) => verdict === 'yes');
}

const VERDICTS = { yes: 'yes', no: 'no', not_made: '-' } as const;

/** A line for each check; below it its warning, the differences and the remedy. */
function formatChecks(report: CheckWarehouseReport, stageName: string): string {
  const heading = isAllYes(report)
    ? 'The warehouse responds as it should'
    : 'The warehouse does not respond as it should';
  return `${heading} (checked from stage ${stageName})\n\n${alignColumns(report.checks.flatMap(linesOf))}`;
}

function linesOf({ check, verdict, finding, warning, remedy, differences = [] }: WarehouseCheck): string[][] {
  const under = [
    ...(warning === undefined ? [] : [`warning: ${warning}`]),
    ...differences,
    ...(remedy === undefined ? [] : [`remedy: ${remedy}`]),
  ];
  return [[check, VERDICTS[verdict], finding], ...under.map((line) => ['', '', line])].map((row) => row.map(oneLine));
}
