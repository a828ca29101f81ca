import { readFlags, readNumber, UsageError } from '../command-line.ts';

/** Default port of SQS if it is free; the usual one of local AWS emulators. */
export const USUAL_PORT = 4566;

export const START_USAGE = `usage: npm start -- [--port N] [--receipts FILE] [--assembly DIRECTORY]
  --port N              SQS listens there on 127.0.0.1, 0 for any free port (default: ${USUAL_PORT}, or any where it is taken)
  --receipts FILE       writes each webhook that a partner received as a line of JSON, with the signing secret that the
                        partner holds, to verify it (secrets of this run only)
  --assembly DIRECTORY  runs what cdk synth wrote there, instead of synthesizing the stage "local"`;

export interface StartOptions {
  readonly isHelp: boolean;
  /** Undefined: the default if it is free. */
  readonly port: number | undefined;
  readonly receiptsFile: string | undefined;
  readonly assemblyDirectory: string | undefined;
}

/** @throws UsageError */
export function readStartOptions(args: readonly string[]): StartOptions {
  const values = readFlags(args, {
    port: { type: 'string' },
    receipts: { type: 'string' },
    assembly: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  });
  const port = values.port === undefined ? undefined : readNumber('port', values.port, 0, 65_535);
  if (port !== undefined && !Number.isInteger(port)) throw new UsageError('--port takes a whole number');
  return {
    isHelp: values.help,
    port,
    receiptsFile: values.receipts,
    assemblyDirectory: values.assembly,
  };
}
