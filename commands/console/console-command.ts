import { Option } from '@commander-js/extra-typings';
import { stageCommand, wholeNumber } from '../shared/options.ts';
import type { Parent, Run } from '../shared/run.ts';
import type { RunProgram } from './operation.ts';

/** `console`: a web page over the functions of the other commands. @param runProgram what the page runs them with */
export function addConsoleCommand(program: Parent, run: Run, runProgram: RunProgram): void {
  stageCommand(
    program,
    'console',
    'serves a web page for operators on this machine, with the credentials of this terminal, until Ctrl-C',
  )
    .addOption(
      new Option('--port <n>', 'the port on 127.0.0.1 (default: a free one)').argParser(wholeNumber(1024, 65_535)),
    )
    .action((options) =>
      run(async (context) => (await import('./console.ts')).openConsole(options, context, runProgram)),
    );
}
