import type { Socket } from 'node:net';
import type { SendTimings } from '../webhook-sender.ts';

/** Notes how long the parts of a request take, as its socket says. */
export class ConnectionTimes {
  readonly #startedAtMs: number;
  #stepAtMs = 0;
  readonly #steps: { dnsMs?: number; connectMs?: number; tlsMs?: number; firstByteMs?: number } = {};

  /** @param startedAtMs when the request began, by `performance.now()` */
  constructor(startedAtMs: number) {
    this.#startedAtMs = startedAtMs;
  }

  /** Follows a socket that is about to connect. */
  follow(socket: Socket): void {
    this.#stepAtMs = performance.now();
    // For several addresses it comes several times; for a literal address not at all.
    socket.once('lookup', () => this.#note('dnsMs'));
    socket.once('connect', () => this.#note('connectMs'));
    socket.once('secureConnect', () => this.#note('tlsMs'));
  }

  noteFirstByte(): void {
    this.#steps.firstByteMs = rounded(performance.now() - this.#startedAtMs);
  }

  untilNow(): SendTimings {
    return { ...this.#steps, totalMs: rounded(performance.now() - this.#startedAtMs) };
  }

  #note(step: 'dnsMs' | 'connectMs' | 'tlsMs'): void {
    const nowMs = performance.now();
    this.#steps[step] = rounded(nowMs - this.#stepAtMs);
    this.#stepAtMs = nowMs;
  }
}

/** To a tenth of a millisecond: they are read by people, and in logs every digit is paid for. */
function rounded(durationMs: number): number {
  return Math.round(durationMs * 10) / 10;
}
