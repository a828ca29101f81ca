import { UsageError } from '../../local/command-line.ts';
import type { Parent, Run } from '../shared/run.ts';

/** `./ltw partner-kit` */
export function addPartnerKitCommand(program: Parent, run: Run): void {
  program
    .command('partner-kit')
    .description(
      'writes what a partner’s engineer tests a receiver with: one file that sends signed samples to any URL',
    )
    .option('--out <dir>', 'writes the file partner-kit.mjs there; it needs Node 20 or later only')
    .option('--schemas <dir>', 'writes the JSON Schemas of all bodies there')
    .option('--vector', 'prints a newly signed request, to check a verification with')
    .action((options) => {
      if (Object.keys(options).length === 0) throw new UsageError('partner-kit takes --out, --schemas or --vector');
      return run(async (context) => (await import('./partner-kit.ts')).partnerKit(options, context));
    });
}
