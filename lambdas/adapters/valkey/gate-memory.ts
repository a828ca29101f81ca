import type { GateAnswer, GatedIntegration, GateReport } from '../../contract/delivery-ports.ts';
import { type AdmitRequest, admit, gateKey, report, slow } from '../../domain/gate.ts';
import { type GateState, UNKNOWN } from '../../domain/gate-state.ts';

/** As many as a document may hold integrations. */
const MAX_RECORDS = 2_000;

/** The gate's records of this environment alone. */
export class GateMemory {
  readonly #states = new Map<string, GateState>();

  get size(): number {
    return this.#states.size;
  }

  admit(integration: GatedIntegration, request: AdmitRequest, nowMs: number): GateAnswer {
    const key = gateKey(integration);
    const known = this.#known(key);
    const { state, answer } = admit(known, integration, request, nowMs);
    if (state !== known) this.#keep(key, state);
    return answer;
  }

  report(integration: GatedIntegration, told: GateReport, nowMs: number): void {
    const key = gateKey(integration);
    this.#keep(key, report(this.#known(key), integration, told, nowMs));
  }

  slow(integration: GatedIntegration, nowMs: number): void {
    const key = gateKey(integration);
    this.#keep(key, slow(this.#known(key), integration, nowMs));
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
