import { Cluster, Redis } from 'iovalkey';
import { elapsed, reasonOf } from './outcomes.ts';

export type ValkeyClient = Cluster | Redis;

export interface ValkeyAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** How long a peer may take to close its side before the socket is destroyed, in milliseconds. */
export const DISCONNECT_LIMIT_MS = 100;

/** Only the first errors show why a connection failed; a long-lived client may have many. */
const MAX_COLLECTED_ERRORS = 10;

const ignore = () => {};

/**
 * Creates a function that opens clients. They use cluster mode, the only mode of ElastiCache Serverless, unless the server
 * reports that it is no cluster; later calls remember that.
 */
export function clientOpener(address: ValkeyAddress): (limitMs: number) => Promise<ValkeyClient> {
  let isSingle = false;
  return async (limitMs) => {
    const startedMs = performance.now();
    if (isSingle) return openSingle(address, limitMs);
    try {
      return await openCluster(address, limitMs);
    } catch (thrown) {
      if (!reasonOf(thrown).includes('cluster support disabled')) throw thrown;
      isSingle = true;
      return openSingle(address, limitMs - (performance.now() - startedMs));
    }
  };
}

/** @throws the first meaningful error of a node: the cluster's own error only reports that no node is available */
async function openCluster({ host, port, tls }: ValkeyAddress, limitMs: number): Promise<Cluster> {
  const cluster = new Cluster([{ host, port }], {
    lazyConnect: true,
    clusterRetryStrategy: () => null,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    maxRedirections: 3,
    // After a lost node a new client is opened, which loads the slots again.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // Later than our own limit, whose error is more specific.
    slotsRefreshTimeout: limitMs + DISCONNECT_LIMIT_MS,
    // Connect by name: TLS certificates are issued for names.
    dnsLookup: (name, callback) => callback(null, name),
    redisOptions: socketOptions(tls, limitMs),
  });
  const errors: Error[] = [];
  const collect = (error: Error & { lastNodeError?: Error }) => {
    if (errors.length < MAX_COLLECTED_ERRORS) errors.push(error.lastNodeError ?? error);
  };
  const meaningful = () => errors.find(({ message }) => message !== 'Connection is closed.');
  const nodes: Promise<void>[] = [];
  cluster.on('error', collect).on('node error', collect);
  // Connect nodes now, not at their first command, so that the handshake is not part of the first lookup's 200 ms.
  cluster.on('+node', (node: Redis) => {
    node.on('error', collect);
    if (!node.options.readOnly) nodes.push(node.connect().catch(ignore));
  });
  const ready = async () => {
    await cluster.connect();
    await Promise.any(cluster.nodes('master').map((node) => node.ping()));
  };
  try {
    return await opened(cluster, ready(), limitMs);
  } catch (thrown) {
    // The cluster may fail before its node has reported an error.
    if (!meaningful()) await Promise.race([Promise.all(nodes), elapsed(DISCONNECT_LIMIT_MS)]);
    throw meaningful() ?? thrown;
  }
}

async function openSingle({ host, port, tls }: ValkeyAddress, limitMs: number): Promise<Redis> {
  const options = socketOptions(tls, limitMs);
  const redis = new Redis({ ...options, host, port, lazyConnect: true, retryStrategy: () => null });
  let firstError: Error | undefined;
  redis.on('error', (error) => {
    firstError ??= error;
  });
  const ready = async () => {
    await redis.connect();
    await redis.ping();
  };
  try {
    return await opened(redis, ready(), limitMs);
  } catch (thrown) {
    throw firstError ?? thrown;
  }
}

async function opened<T extends ValkeyClient>(client: T, ready: Promise<unknown>, limitMs: number): Promise<T> {
  try {
    const outcome = await Promise.race([ready.then(() => 'ready'), elapsed(limitMs)]);
    if (outcome !== 'ready') throw new Error(`no connection within ${Math.round(limitMs)} ms`);
    return client;
  } catch (thrown) {
    disconnect(client);
    throw thrown;
  }
}

function socketOptions(tls: boolean, limitMs: number) {
  return {
    connectTimeout: Math.max(1, limitMs),
    disconnectTimeout: DISCONNECT_LIMIT_MS,
    // The check sends INFO and waits; PING is enough.
    enableReadyCheck: false,
    ...(tls ? { tls: {} } : {}),
  };
}

/**
 * Joins the commands of this tick in one write for each node. The library writes each command by itself, and a system call
 * takes more CPU than the command.
 */
export function joinWrites(client: ValkeyClient): void {
  for (const { stream } of 'nodes' in client ? client.nodes('master') : [client]) {
    // Absent before a node is connected.
    if (stream === undefined || stream.writableCorked > 0) continue;
    stream.cork();
    process.nextTick(() => stream.uncork());
  }
}

/** Closes a client for good. */
export function disconnect(client: ValkeyClient): void {
  // A client that has ended would start a timer for a socket that is already closed.
  if (client.status !== 'end') client.disconnect();
}
