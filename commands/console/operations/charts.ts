import * as z from 'zod';
import { CHART_SPANS, readCharts } from '../../status/read-charts.ts';
import { operation } from '../operation.ts';

/** How the stage did in the last hour or week. */
export const readOverviewCharts = operation(
  z.strictObject({ span: z.enum(CHART_SPANS) }),
  async ({ span }, { stage, now }) => readCharts(stage, span, now()),
);
