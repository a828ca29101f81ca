import { Cluster, Redis } from 'iovalkey';
import { elapsed, reasonOf } from './outcomes.ts';

export type ValkeyClient = Cluster | Redis;

export interface ValkeyAddress {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

/** How long a peer may take to close its side before the socket is destroyed, ms. */
export const DISCONNECT_LIMIT_MS = 100;

/** The first errors say why a connection failed; a client lives long and may have many. */
const MAX_KEPT_ERRORS = 10;

const ignore = () => {};

/**
 * Opens clients that speak cluster mode (Serverless has no other) or, where the server says that it is not a cluster,
 * plain ones. The sandbox remembers which, and asks once only.
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

/** @throws the first meaningful error of the node: the cluster's own only says that no node is available */
async function openCluster({ host, port, tls }: ValkeyAddress, limitMs: number): Promise<Cluster> {
  const cluster = new Cluster([{ host, port }], {
    lazyConnect: true,
    clusterRetryStrategy: () => null,
    enableReadyCheck: false,
    enableOfflineQueue: false,
    maxRedirections: 3,
    // After a lost node a fresh client is opened, which asks for the slots again.
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    // Later than our own limit, whose error says more.
    slotsRefreshTimeout: limitMs + DISCONNECT_LIMIT_MS,
    // Names stay names: TLS certificates are made out to them.
    dnsLookup: (name, callback) => callback(null, name),
    redisOptions: socketOptions(tls, limitMs),
  });
  const errors: Error[] = [];
  const keep = (error: Error & { lastNodeError?: Error }) => {
    if (errors.length < MAX_KEPT_ERRORS) errors.push(error.lastNodeError ?? error);
  };
  const meaningful = () => errors.find(({ message }) => message !== 'Connection is closed.');
  const nodes: Promise<void>[] = [];
  cluster.on('error', keep).on('node error', keep);
  // Connecting nodes at once, not at their first command, takes the handshake out of the first lookup's 200 ms.
  cluster.on('+node', (node: Redis) => {
    node.on('error', keep);
    if (!node.options.readOnly) nodes.push(node.connect().catch(ignore));
  });
  const ready = async () => {
    await cluster.connect();
    await Promise.any(cluster.nodes('master').map((node) => node.ping()));
  };
  try {
    return await opened(cluster, ready(), limitMs);
  } catch (thrown) {
    // The cluster may give up before its node has said why.
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
    // The check sends INFO and waits; a response to PING proves as much.
    enableReadyCheck: false,
    ...(tls ? { tls: {} } : {}),
  };
}

/** Closes a client for good. */
export function disconnect(client: ValkeyClient): void {
  // A client that has ended would only start a timer to destroy a socket that is gone.
  if (client.status !== 'end') client.disconnect();
}
