import type { GateAnswer, GateReport } from '../../contract/delivery-ports.ts';
import { type AdmitRequest, admit, type GateState, report, slow, UNKNOWN } from '../../domain/gate.ts';

/** As many as a document may hold integrations. */
const MAX_RECORDS = 2_000;

/** The gate's records of this environment alone. */
export class GateMemory {
  readonly #states = new Map<string, GateState>();

  get size(): number {
    return this.#states.size;
  }

  admit(key: string, request: AdmitRequest, nowMs: number): GateAnswer {
    const known = this.#known(key);
    const { state, answer } = admit(known, request, nowMs);
    if (state !== known) this.#keep(key, state);
    return answer;
  }

  report(key: string, told: GateReport, nowMs: number): void {
    this.#keep(key, report(this.#known(key), told, nowMs));
  }

  slow(key: string, nowMs: number): void {
    this.#keep(key, slow(this.#known(key), nowMs));
  }

  #known(key: string): GateState {
    return this.#states.get(key) ?? UNKNOWN;
  }

  /** The one that changed last stands last; with too many, the first goes. */
  #keep(key: string, state: GateState): void {
    this.#states.delete(key);
    this.#states.set(key, state);
    const [oldest] = this.#states.keys();
    if (this.#states.size > MAX_RECORDS && oldest !== undefined) this.#states.delete(oldest);
  }
}
