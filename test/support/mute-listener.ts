import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { Worker } from 'node:worker_threads';

/** Listens without accepting until released, then sends this response to every request. */
const LISTENER = `
  const { createServer } = require('node:net');
  const { parentPort, workerData } = require('node:worker_threads');
  const server = createServer((socket) => {
    socket.on('error', () => {}).on('data', () => socket.write('HTTP/1.1 218 Late\\r\\nContent-Length: 0\\r\\n\\r\\n'));
  });
  server.listen({ port: workerData.port, host: workerData.host, backlog: 1 }, () => {
    parentPort.postMessage('listening');
    setImmediate(() => Atomics.wait(new Int32Array(workerData.gate), 0, 0));
  });
`;

export interface MuteListener {
  /** From now on connections are accepted; a client whose SYN was dropped sends it again after a second. */
  accept(): void;
  close(): Promise<void>;
}

/**
 * A host that does not respond to a SYN, like one behind a firewall that drops packets: its queue of connections is full,
 * so the kernel drops new ones. It runs in a thread of its own, which is blocked.
 */
export async function startMuteListener(host: string, port: number): Promise<MuteListener> {
  const gate = new SharedArrayBuffer(4);
  const worker = new Worker(LISTENER, { eval: true, workerData: { host, port, gate } });
  await once(worker, 'message');
  // A queue of length 1 holds two.
  const fillers: Socket[] = [];
  for (let filled = 0; filled < 2; filled += 1) {
    const filler = connect(port, host).on('error', () => {});
    fillers.push(filler);
    await once(filler, 'connect');
  }
  return {
    accept() {
      Atomics.store(new Int32Array(gate), 0, 1);
      Atomics.notify(new Int32Array(gate), 0);
    },
    async close() {
      for (const filler of fillers) filler.destroy();
      await worker.terminate();
    },
  };
}
