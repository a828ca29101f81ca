declare module 'dynalite' {
  import type { Server } from 'node:http';

  interface DynaliteOptions {
    /** How long a table is being created, in milliseconds; 500 where it says nothing. */
    readonly createTableMs?: number;
    /** The same of its deletion. */
    readonly deleteTableMs?: number;
    /** Where it keeps its data; in memory where it says nothing. */
    readonly path?: string;
  }

  /** A server that speaks DynamoDB's protocol. It does not listen yet. */
  export default function dynalite(options?: DynaliteOptions): Server;
}
