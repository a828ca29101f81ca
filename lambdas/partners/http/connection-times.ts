import type { Socket } from 'node:net';
import type { SendTimings } from '../webhook-sender.ts';

/** Records how long the phases of a request take, by the events of its socket. */
export class ConnectionTimes {
  readonly #startedAtMs: number;
  #stepAtMs = 0;
  readonly #steps: { dnsMs?: number; connectMs?: number; tlsMs?: number; firstByteMs?: number } = {};

  /** @param startedAtMs start of the request, by `performance.now()` */
  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  /** Follows a socket that is about to connect. */
  follow(socket: Socket): void {
    this.#stepAtMs = performance.now();
    // Node emits `lookup` once per address, and not at all for a literal address.
    socket.once('lookup', () => this.#record('dnsMs'));
    socket.once('connect', () => this.#record('connectMs'));
    socket.once('secureConnect', () => this.#record('tlsMs'));
  }

  recordFirstByte(): void {
    this.#steps.firstByteMs = rounded(performance.now() - this.#startedAtMs);
  }

  untilNow(): SendTimings {
    return { ...this.#steps, totalMs: rounded(performance.now() - this.#startedAtMs) };
  }

  #record(step: 'dnsMs' | 'connectMs' | 'tlsMs'): void {
    const nowMs = performance.now();
    this.#steps[step] = rounded(nowMs - this.#stepAtMs);
    this.#stepAtMs = nowMs;
  }
}

/** Rounds to 0.1 ms, which keeps log lines short. */
function rounded(durationMs: number): number {
  return Math.round(durationMs * 10) / 10;
}
