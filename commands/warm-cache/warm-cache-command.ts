import { jsonOption, stageCommand } from '../shared/options.ts';
import type { Parent, Run } from '../shared/run.ts';

/** `./ltw warm-cache` */
export function addWarmCacheCommand(program: Parent, run: Run): void {
  stageCommand(
    program,
    'warm-cache',
    'loads learning times into the cache, as the schedule does every 15 minutes: only if the table or the enterprises have changed',
  )
    .option('--dry-run', 'prints what a run would do, and when the last one was complete')
    .option('--accept-shrunk', 'loads the table although it has lost over 20% of its rows')
    .addOption(jsonOption())
    .action((options) => run(async (context) => (await import('./warm-cache.ts')).warmCache(options, context)));
}
