import type { IoDeadlines } from '../shared/io-deadlines.ts';
import { DISCONNECT_LIMIT_MS, disconnect, type ValkeyClient } from './client.ts';
import { elapsed, type Outcome, outcomesWithin, reasonOf } from './outcomes.ts';

/** The shortest time between the starts of two attempts to connect, ms. */
const OPENING_PAUSE_MS = 1_000;
/** A sandbox may have been frozen meanwhile and its peer gone without a word: older sockets are not trusted, ms. */
const IDLE_LIMIT_MS = 20_000;

/**
 * Keeps one client open, and opens another when it is lost. All reconnecting is here and is driven by lookups, not by
 * timers: a frozen sandbox has no background, and the library's own retries would wait where lookups should fail.
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
   * @param onFailure called for each attempt to connect that failed
   * @param nowMs wall clock, ms: a monotonic one may stand still while the sandbox is frozen
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

  /** The most that a lookup takes, which may have to wait for the first connection of this sandbox. */
  get limitMs(): number {
    const { firstConnectionMs, commandMs } = this.#deadlines;
    return this.#isCold ? firstConnectionMs + commandMs : commandMs;
  }

  /** Starts connecting in the background, where nothing is open and the last attempt is long enough ago. Never throws. */
  connect(): void {
    const nowMs = this.#nowMs();
    if (this.#closed || this.#client || this.#opening || nowMs - this.#openingStartedMs < OPENING_PAUSE_MS) return;
    // An old failure says little about the server of now: worth a short wait again.
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
   * Sends commands, and discards a client that does not answer.
   *
   * @param send called with a client; writes its commands in one tick, so that they cost one round trip
   * @param limitMs for connection and commands together
   * @returns the outcomes in the order of the commands; none where there is no client in time. Never throws.
   */
  async run<T>(send: (client: ValkeyClient) => readonly Promise<T>[], limitMs = this.limitMs): Promise<Outcome<T>[]> {
    const startedMs = performance.now();
    const client = await this.client(limitMs);
    if (!client) return [];
    const leftMs = Math.min(this.#deadlines.commandMs, limitMs - (performance.now() - startedMs));
    const outcomes = await outcomesWithin(send(client), leftMs);
    if (outcomes.some((outcome) => 'lost' in outcome)) this.discard(client);
    return outcomes;
  }

  /**
   * A client that answered lately, or a fresh one.
   *
   * @param limitMs the most to wait; just after an attempt that failed there is no waiting at all
   * @returns nothing where there is none in time. Never throws.
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

  /** Gives up a client that stopped answering; the next one is opened in the background. */
  discard(client: ValkeyClient): void {
    if (this.#client === client) this.#client = undefined;
    disconnect(client);
    this.connect();
  }

  /** Closes for good, within 200 ms; an attempt to connect that is under way ends by itself in its time. */
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
