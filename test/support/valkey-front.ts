import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface ValkeyFront {
  readonly port: number;
  /** All commands that were received, as their words. */
  readonly commands: readonly (readonly string[])[];
  /** Number of commands without a response so far, if all responses have one line. */
  readonly unanswered: number;
  /** The largest such number so far. */
  readonly mostUnanswered: number;
  /** The sockets that are open now stay open and get no further response, as when a peer disappears. */
  abandonSockets(): void;
  /** The sockets that are open now are reset, as when a node crashes. */
  resetSockets(): void;
  stop(): Promise<void>;
}

/**
 * A proxy of a Valkey server that records a client's commands. As `cluster` it claims to be the only node of a cluster, and
 * refuses commands on several keys as a cluster does, so that the cluster client can be tested without such a server.
 * Stopped, and started again at its port, it represents a server that was down.
 */
export async function startValkeyFront(
  backendPort: number,
  { cluster = false, port: wantedPort = 0 } = {},
): Promise<ValkeyFront> {
  const commands: string[][] = [];
  let answered = 0;
  let mostUnanswered = 0;
  const pairs = new Set<{ client: Socket; backend: Socket }>();
  const server = createServer((client) => {
    const backend = connect(backendPort, '127.0.0.1');
    const pair = { client, backend };
    pairs.add(pair);
    backend.on('data', (bytes) => {
      answered += bytes.filter((byte) => byte === LINE_END).length;
      client.write(bytes);
    });
    const take = commandReader((words, bytes) => {
      commands.push(words);
      mostUnanswered = Math.max(mostUnanswered, commands.length - answered);
      const answer = cluster ? clusterAnswer(words, port) : undefined;
      if (answer === undefined) backend.write(bytes);
      else client.write(answer);
    });
    client.on('data', take);
    const end = () => {
      client.destroy();
      backend.destroy();
      pairs.delete(pair);
    };
    client.on('close', end).on('error', end);
    backend.on('close', end).on('error', end);
  });
  server.listen(wantedPort, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    commands,
    get unanswered() {
      return commands.length - answered;
    },
    get mostUnanswered() {
      return mostUnanswered;
    },
    abandonSockets: () => {
      for (const { client } of pairs) client.removeAllListeners('data').pause();
    },
    resetSockets: () => {
      for (const { client } of pairs) client.resetAndDestroy();
    },
    stop: async () => {
      server.close();
      for (const { client, backend } of pairs) {
        client.destroy();
        backend.destroy();
      }
      await once(server, 'close');
    },
  };
}

const LINE_END = 10;
const KEYLESS = new Set(['PING', 'INFO', 'CLUSTER']);
const SINGLE_KEY = new Set(['GET', 'SET', 'TTL']);
/** Followed by a script and its number of keys. */
const SCRIPTS = new Set(['EVAL', 'EVALSHA']);

function clusterAnswer([name = '', argument = '', keys = '']: readonly string[], port: number): string | undefined {
  const command = name.toUpperCase();
  if (command === 'CLUSTER' && argument.toUpperCase() === 'SLOTS') {
    return `*1\r\n*3\r\n:0\r\n:16383\r\n*3\r\n$9\r\n127.0.0.1\r\n:${port}\r\n$4\r\nnode\r\n`;
  }
  // Sent before CLUSTER SLOTS on the same socket: if it were passed on, its response would arrive second.
  if (command === 'CLIENT') return '+OK\r\n';
  if (KEYLESS.has(command) || SINGLE_KEY.has(command)) return undefined;
  if ((SCRIPTS.has(command) && keys === '1') || (command === 'DEL' && keys === '')) return undefined;
  return "-CROSSSLOT Keys in request don't hash to the same slot\r\n";
}

/** Parses a stream of bytes into commands: `*<words>`, then `$<bytes>` and the word, for each. */
function commandReader(found: (words: string[], bytes: Buffer) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0);
  const next = () => {
    let position = 0;
    const line = () => {
      const end = rest.indexOf('\r\n', position);
      if (end === -1) return undefined;
      const text = rest.toString('utf8', position + 1, end);
      position = end + 2;
      return Number(text);
    };
    const count = line();
    if (count === undefined) return false;
    const words: string[] = [];
    while (words.length < count) {
      const length = line();
      if (length === undefined || position + length + 2 > rest.length) return false;
      words.push(rest.toString('utf8', position, position + length));
      position += length + 2;
    }
    found(words, rest.subarray(0, position));
    rest = rest.subarray(position);
    return true;
  };
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    while (next());
  };
}
