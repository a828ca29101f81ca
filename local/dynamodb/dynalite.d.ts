declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface DynaliteOptions {
    /** Duration of CreateTable, in milliseconds; 500 by default. */
    readonly createTableMs?: number;
    /** Duration of DeleteTable, in milliseconds. */
    readonly deleteTableMs?: number;
    /** Directory for its data; in memory by default. */
    readonly path?: string;
  }

  /** A server that speaks DynamoDB's protocol. It does not listen yet. */
  export default function dynalite(options?: DynaliteOptions): Server;
}
