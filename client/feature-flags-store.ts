import type { FeatureStatusClient, FeatureStatusError, Features, Whom } from './feature-status-client.ts';

/** Features of one enterprise or user. Immutable: a change creates a new snapshot. */
export interface FlagsSnapshot {
  /** The last good response; empty before the first. */
  readonly features: Features;
  /** True until the first response or error. */
  readonly isLoading: boolean;
  /** Why the newest request failed; absent where it did not. `features` are those of before. */
  readonly error: FeatureStatusError | undefined;
}

/** Visibility of the page. */
export interface PageVisibility {
  isHidden(): boolean;
  /** @returns a function that ends it */
  onChange(listener: () => void): () => void;
}

export interface FeatureFlagsStoreOptions {
  readonly client: FeatureStatusClient;
  readonly whom: Whom;
  /** Poll interval while the page is visible, in milliseconds; 0: only `refresh` sends requests. */
  readonly refreshMs?: number;
  readonly visibility?: PageVisibility;
}

export interface FeatureFlagsStore {
  snapshot(): FlagsSnapshot;
  /** Polls the features while there are listeners. @returns a function that unsubscribes */
  subscribe(listener: () => void): () => void;
  /** Sends a request, or waits for the one in flight. Never rejects: an error is in the snapshot. */
  refresh(): Promise<void>;
}

/** The API's responses are valid for 15 s. */
const REFRESH_MS = 30_000;

/** After failures the pause doubles, up to this, in milliseconds. */
const LONGEST_PAUSE_MS = 5 * 60_000;

/** Before anything is known: everything is off. */
export const NOTHING_KNOWN: FlagsSnapshot = { features: {}, isLoading: true, error: undefined };

/** The features of one enterprise or user, polled once for all listeners. */
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

  /** A hidden page sends no requests, and sends one when it becomes visible. */
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

/** Responses are parsed from JSON, so equal ones have equal JSON. */
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

/** The document's visibility; without a document always visible. */
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
