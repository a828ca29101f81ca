interface Slots {
  taken: number;
  readonly waiting: Set<() => void>;
}

/**
 * Bounds what is under way to one origin at a time; those over the bound wait in their order, and other origins do not
 * notice. Node's agent could count too, but a request that waits inside it cannot be taken back, and does not learn that
 * its socket had been used before.
 */
export class OriginSlots {
  readonly #perOrigin: number;
  readonly #origins = new Map<string, Slots>();

  constructor(perOrigin: number) {
    this.#perOrigin = perOrigin;
  }

  /** @returns whether a slot came free in time; if so, it is the caller's to release */
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
    // Handed over, it stays taken.
    if (next !== undefined) next();
    else slots.taken -= 1;
    if (slots.taken === 0) this.#origins.delete(origin);
  }
}

function inTurn(waiting: Set<() => void>, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const leave = (isMine: boolean) => {
      clearTimeout(timer);
      waiting.delete(take);
      resolve(isMine);
    };
    const take = () => leave(true);
    const timer = setTimeout(leave, timeoutMs, false);
    waiting.add(take);
  });
}
