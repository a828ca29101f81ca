interface Slots {
  taken: number;
  readonly waiting: Set<() => void>;
}

/**
 * Limits the concurrent requests to one origin. Further requests wait in order, without affecting other origins. Not
 * `maxSockets` of Node's agent: a request that waits there cannot be cancelled, and its `reusedSocket` is not set.
 */
export class OriginSlots {
  readonly #perOrigin: number;
  readonly #origins = new Map<string, Slots>();

  constructor(perOrigin: number) {
    this.#perOrigin = perOrigin;
  }

  /** @returns whether a slot became free in time; if so, the caller must release it */
  acquire(origin: string, timeoutMs: number): boolean | Promise<boolean> {
    let slots = this.#origins.get(origin);
    if (slots === undefined) {
      slots = { taken: 0, waiting: new Set() };
      this.#origins.set(origin, slots);
    }
    if (slots.taken >= this.#perOrigin) return inTurn(slots.waiting, timeoutMs);
    slots.taken += 1;
    return true;
  }

  release(origin: string): void {
    const slots = this.#origins.get(origin);
    if (slots === undefined) return;
    const [next] = slots.waiting;
    // A slot that passes to the next request stays taken.
    if (next !== undefined) next();
    else slots.taken -= 1;
    if (slots.taken === 0) this.#origins.delete(origin);
  }
}

function inTurn(waiting: Set<() => void>, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const leave = (isAcquired: boolean) => {
      clearTimeout(timer);
      waiting.delete(take);
      resolve(isAcquired);
    };
    const take = () => leave(true);
    const timer = setTimeout(leave, timeoutMs, false);
    waiting.add(take);
  });
}
