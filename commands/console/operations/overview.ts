import * as z from 'zod';
import { readStatus } from '../../status/read-status.ts';
import { operation } from '../operation.ts';

/** What `./ltw status` prints. */
export const readOverview = operation(z.strictObject({}), async (_input, { stage, now }) => readStatus(stage, now()));
