import * as z from 'zod';
import {
  type CheckWarehouseReport,
  MAX_SAMPLES,
  WAREHOUSE_CHECKS,
  type WarehouseCheck,
} from '../lambdas/contract/check-warehouse.ts';
import { readFlags } from '../local/command-line.ts';
import type { Context } from './context.ts';
import { invokeFunction } from './invoke-function.ts';
import { readKnownSums } from './known-sums.ts';
import { runCommand } from './run-command.ts';
import { alignColumns } from './table.ts';

export const CHECK_WAREHOUSE_USAGE = `usage: npm run check-warehouse -- [--sample FILE] [--stage NAME]
  tries Snowflake from where the stage asks it: the secret and its age, login, role, warehouse, grants, columns, one row
  --sample FILE  compares known sums with the table's: CSV of user_id,course_id,enterprise_customer_uuid,total_seconds,
                 with that line first, and at most ${MAX_SAMPLES} more
  --stage NAME   local (default; the platform that "npm start" runs), dev, staging, prod
  ends with 0 where all is well, else with 1`;

/** As the function answers; a field that a newer one adds is ignored. */
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

/** `npm run check-warehouse`: 0 where every check is a yes, else 1. @throws UsageError; CommandFailed */
export async function checkWarehouse(words: readonly string[], context: Context): Promise<number> {
  const { sample: file, stage: stageName } = readFlags(words, {
    sample: { type: 'string' },
    stage: { type: 'string', default: 'local' },
  });
  const sample = file === undefined ? undefined : readKnownSums(file);
  const stage = await context.openStage(stageName);
  const report = await invokeFunction(stage, {
    output: 'CheckWarehouseFunctionName',
    name: 'CheckWarehouse',
    input: { ...(sample !== undefined && { sample }) },
    schema: reportSchema,
  });
  context.terminal.print(describeChecks(report, stage.name));
  return isWell(report) ? 0 : 1;
}

function isWell({ checks }: CheckWarehouseReport): boolean {
  return checks.every(({ verdict }) => verdict === 'yes');
}

const VERDICTS = { yes: 'yes', no: 'no', not_made: '-' } as const;

/** A line for each check; under it what may go wrong, what differs, and what mends it. */
export function describeChecks(report: CheckWarehouseReport, stageName: string): string {
  const heading = isWell(report) ? 'The warehouse answers' : 'The warehouse is not as it must be';
  return `${heading} (asked from stage ${stageName})\n\n${alignColumns(report.checks.flatMap(linesOf))}`;
}

function linesOf({ check, verdict, finding, warning, remedy, differences = [] }: WarehouseCheck): string[][] {
  const under = [
    ...(warning === undefined ? [] : [`warning: ${warning}`]),
    ...differences,
    ...(remedy === undefined ? [] : [`mend: ${remedy}`]),
  ];
  return [[check, VERDICTS[verdict], finding], ...under.map((line) => ['', '', line])].map((row) => row.map(oneLine));
}

/** A course key may hold anything. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

if (import.meta.main) await runCommand(checkWarehouse, CHECK_WAREHOUSE_USAGE);
