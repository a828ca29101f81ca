import type { IoDeadlines } from '../shared/io-deadlines.ts';
import { DISCONNECT_LIMIT_MS, disconnect, joinWrites, type ValkeyClient } from './client.ts';
import { elapsed, type Outcome, outcomesWithin, reasonOf } from './outcomes.ts';

/** The shortest time between the starts of two connection attempts, in milliseconds. */
const OPENING_PAUSE_MS = 1_000;
/** A socket that was idle for longer is replaced, in milliseconds: its peer may have closed it during a freeze. */
const IDLE_LIMIT_MS = 20_000;

/**
 * Holds one open client, and replaces it when it is lost. Calls trigger reconnection, not timers: a frozen environment runs
 * no timers, and the library's own retries would wait where calls should fail.
 */
export class ValkeyConnection {
  readonly #open: (limitMs: number) => Promise<ValkeyClient>;
  readonly #onFailure: (reason: string) => void;
  readonly #nowMs: () => number;
  #client: ValkeyClient | undefined;
  #lastUsedMs = 0;
  #opening: { readonly client: Promise<ValkeyClient | undefined>; readonly patientUntilMs: number } | undefined;
  #openingStartedMs = Number.NEGATIVE_INFINITY;
  readonly #deadlines: IoDeadlines['valkey'];
  #patienceMs: number;
  #isCold = true;
  #closed = false;

  /**
   * @param open connects, or rejects within the limit
   * @param onFailure called for each failed connection attempt
   * @param nowMs the wall clock, in milliseconds: a monotonic clock may stand still while Lambda freezes the function
   */
  constructor(
    open: (limitMs: number) => Promise<ValkeyClient>,
    onFailure: (reason: string) => void,
    nowMs: () => number,
    deadlines: IoDeadlines['valkey'],
  ) {
    this.#deadlines = deadlines;
    this.#patienceMs = deadlines.firstConnectionMs;
    this.#open = open;
    this.#onFailure = onFailure;
    this.#nowMs = nowMs;
  }

  /** The longest time that `run` takes, in milliseconds; longer for the environment's first connection. */
  get limitMs(): number {
    const { firstConnectionMs, commandMs } = this.#deadlines;
    return this.#isCold ? firstConnectionMs + commandMs : commandMs;
  }

  /** Starts connecting in the background, unless a client is open or the last attempt was too recent. Never throws. */
  connect(): void {
    const nowMs = this.#nowMs();
    if (this.#closed || this.#client || this.#opening || nowMs - this.#openingStartedMs < OPENING_PAUSE_MS) return;
    // An old failure is outdated: a short wait may succeed again.
    const isStale = nowMs - this.#openingStartedMs > IDLE_LIMIT_MS;
    const patienceMs = isStale ? Math.max(this.#deadlines.reconnectionMs, this.#patienceMs) : this.#patienceMs;
    this.#openingStartedMs = nowMs;
    const client = this.#open(this.#deadlines.connectMs).then(
      (opened) => this.#adopt(opened),
      (thrown: unknown) => this.#giveUp(thrown),
    );
    this.#opening = { client, patientUntilMs: nowMs + patienceMs };
  }

  /**
   * Sends commands, and discards a client that does not respond. Never throws.
   *
   * @param send called with a client; writes its commands in one tick, so that they take one round trip
   * @param limitMs for connection and commands together
   * @returns the outcomes in the order of the commands; none if there is no client in time
   */
  async run<T>(send: (client: ValkeyClient) => readonly Promise<T>[], limitMs = this.limitMs): Promise<Outcome<T>[]> {
    const startedMs = performance.now();
    const client = await this.client(limitMs);
    if (!client) return [];
    const leftMs = Math.min(this.#deadlines.commandMs, limitMs - (performance.now() - startedMs));
    joinWrites(client);
    const outcomes = await outcomesWithin(send(client), leftMs);
    if (outcomes.some((outcome) => 'lost' in outcome)) this.discard(client);
    return outcomes;
  }

  /**
   * Returns the open client, or a new one. Never throws.
   *
   * @param limitMs the longest wait, in milliseconds; after a failed connection attempt there is no wait
   * @returns undefined if there is no client in time
   */
  async client(limitMs: number): Promise<ValkeyClient | undefined> {
    if (this.#client && this.#nowMs() - this.#lastUsedMs > IDLE_LIMIT_MS) this.discard(this.#client);
    this.connect();
    const opening = this.#opening;
    if (opening && !this.#client) {
      const waitMs = Math.min(limitMs, opening.patientUntilMs - this.#nowMs());
      if (waitMs > 0) await Promise.race([opening.client, elapsed(waitMs)]);
    }
    if (this.#client) this.#lastUsedMs = this.#nowMs();
    return this.#client;
  }

  /** Closes a client that stopped responding; the next one is opened in the background. */
  discard(client: ValkeyClient): void {
    // Another of its commands has done so.
    if (this.#client !== client) return;
    this.#client = undefined;
    disconnect(client);
    this.connect();
  }

  /** Closes permanently, within 200 ms; a pending connection attempt ends by its own timeout. */
  async close(): Promise<void> {
    this.#closed = true;
    const client = this.#client;
    this.#client = undefined;
    if (!client) return;
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    disconnect(client);
    await Promise.race([ended, elapsed(2 * DISCONNECT_LIMIT_MS)]);
  }

  #adopt(client: ValkeyClient): ValkeyClient | undefined {
    this.#opening = undefined;
    this.#isCold = false;
    this.#patienceMs = this.#deadlines.reconnectionMs;
    if (this.#closed) {
      disconnect(client);
      return undefined;
    }
    this.#client = client;
    this.#lastUsedMs = this.#nowMs();
    client.once('end', () => {
      if (this.#client === client) this.#client = undefined;
    });
    return client;
  }

  #giveUp(thrown: unknown): undefined {
    this.#opening = undefined;
    this.#isCold = false;
    this.#patienceMs = 0;
    if (!this.#closed) this.#onFailure(reasonOf(thrown));
  }
}
