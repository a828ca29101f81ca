import type { FeatureStatusClient, FeatureStatusError, Features, Whom } from './feature-status-client.ts';

/** What is known of somebody's features. Never changed: a change makes another one. */
export interface FlagsSnapshot {
  /** The last good answer; empty before the first. */
  readonly features: Features;
  /** Until the first answer, or the first error. */
  readonly isLoading: boolean;
  /** Why the newest request failed; absent where it did not. `features` are those of before. */
  readonly error: FeatureStatusError | undefined;
}

/** Whether somebody looks at the page. */
export interface PageVisibility {
  isHidden(): boolean;
  /** @returns a function that ends it */
  onChange(listener: () => void): () => void;
}

export interface FeatureFlagsStoreOptions {
  readonly client: FeatureStatusClient;
  readonly whom: Whom;
  /** How often the state is asked for while somebody looks, in milliseconds; 0: only when `refresh` is called. */
  readonly refreshMs?: number;
  readonly visibility?: PageVisibility;
}

export interface FeatureFlagsStore {
  snapshot(): FlagsSnapshot;
  /** Asks for the features as long as anybody listens. @returns a function that ends it */
  subscribe(listener: () => void): () => void;
  /** Asks now, or waits for the request that is under way. Never rejects: a failure is in the snapshot. */
  refresh(): Promise<void>;
}

/** The API's own answers are good for 15 s. */
const REFRESH_MS = 30_000;

/** After failures the pause doubles, up to this, in milliseconds. */
const LONGEST_PAUSE_MS = 5 * 60_000;

/** Before anything is known: everything is off. */
export const NOTHING_KNOWN: FlagsSnapshot = { features: {}, isLoading: true, error: undefined };

/** Somebody's features, asked for once for all who listen. */
export function createFeatureFlagsStore(options: FeatureFlagsStoreOptions): FeatureFlagsStore {
  const { client, whom, refreshMs = REFRESH_MS, visibility = pageVisibility() } = options;
  const listeners = new Set<() => void>();
  let snapshot = NOTHING_KNOWN;
  let current: { readonly abort: AbortController; readonly done: Promise<void> } | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOverdue = false;
  let failures = 0;
  let endVisibility: (() => void) | undefined;

  function publish(next: FlagsSnapshot): void {
    if (isSame(snapshot, next)) return;
    snapshot = next;
    for (const listener of listeners) listener();
  }

  function refresh(): Promise<void> {
    current ??= start();
    return current.done;
  }

  function start() {
    clearTimeout(timer);
    isOverdue = false;
    const abort = new AbortController();
    const done = client.features(whom, abort.signal).then(
      (features) => {
        if (abort.signal.aborted) return;
        failures = 0;
        end({ features, isLoading: false, error: undefined }, refreshMs);
      },
      (thrown: FeatureStatusError) => {
        if (abort.signal.aborted) return;
        failures += 1;
        const pauseMs = Math.min(refreshMs * 2 ** failures, LONGEST_PAUSE_MS);
        end({ ...snapshot, isLoading: false, error: thrown }, Math.max(pauseMs, thrown.retryAfterMs ?? 0));
      },
    );
    return { abort, done };
  }

  function end(next: FlagsSnapshot, pauseMs: number): void {
    current = undefined;
    if (refreshMs > 0 && listeners.size > 0) timer = setTimeout(fall, pauseMs);
    publish(next);
  }

  /** Nobody is asked for a page that nobody sees; the answer is fetched when somebody looks again. */
  function fall(): void {
    if (visibility.isHidden()) isOverdue = true;
    else void refresh();
  }

  function awake(): void {
    if (isOverdue && !visibility.isHidden()) void refresh();
  }

  function sleep(): void {
    endVisibility?.();
    clearTimeout(timer);
    current?.abort.abort();
    current = undefined;
  }

  return {
    snapshot: () => snapshot,
    refresh,
    subscribe(listener) {
      listeners.add(listener);
      if (listeners.size === 1) {
        endVisibility = visibility.onChange(awake);
        void refresh();
      }
      return () => {
        if (listeners.delete(listener) && listeners.size === 0) sleep();
      };
    },
  };
}

/** As the answers come from JSON, equal ones are written equally. */
function isSame(one: FlagsSnapshot, other: FlagsSnapshot): boolean {
  const { features, isLoading, error } = one;
  if (isLoading !== other.isLoading || error !== other.error) return false;
  return features === other.features || JSON.stringify(features) === JSON.stringify(other.features);
}

/** The part of a browser's `document` that is used here. */
interface PageDocument {
  readonly visibilityState: string;
  addEventListener(type: 'visibilitychange', listener: () => void): void;
  removeEventListener(type: 'visibilitychange', listener: () => void): void;
}

/** Of the page, looked up when it is asked; somewhere without pages everything is seen. */
function pageVisibility(): PageVisibility {
  const page = () => (globalThis as { document?: PageDocument }).document;
  return {
    isHidden: () => page()?.visibilityState === 'hidden',
    onChange(listener) {
      const watched = page();
      watched?.addEventListener('visibilitychange', listener);
      return () => watched?.removeEventListener('visibilitychange', listener);
    },
  };
}
