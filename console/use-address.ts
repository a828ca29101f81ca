/// <reference lib="dom" />
import { useCallback, useSyncExternalStore } from 'react';

/** An address within the page. */
export interface Address {
  /** `/deliveries` */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly text: string;
  /** Kept by this tab for its history, and not part of the address: personal data. */
  readonly hidden: Hidden;
}

export type Hidden = Readonly<Record<string, string>>;

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    removeEventListener('popstate', listener);
  };
}

/** The current address, and what shows another one. The browser's back button works. */
export function useAddress(): { readonly address: Address; navigate(text: string, hidden?: Hidden): void } {
  const snapshot = useSyncExternalStore(subscribe, () =>
    JSON.stringify([`${location.pathname}${location.search}`, hiddenOf(history.state)]),
  );
  const navigate = useCallback((to: string, hidden: Hidden = {}) => {
    history.pushState({ hidden }, '', to);
    for (const listener of listeners) listener();
    scrollTo(0, 0);
  }, []);
  const [text, hidden] = JSON.parse(snapshot) as [string, Hidden];
  return { address: parseAddress(text, hidden), navigate };
}

/** What `navigate` keeps in a state of the history; other programs of this origin may have written one. */
export function hiddenOf(state: unknown): Hidden {
  const hidden = (state as { hidden?: unknown } | null)?.hidden ?? {};
  return Object.fromEntries(Object.entries(hidden).filter(([, value]) => typeof value === 'string'));
}

/** Reads what follows the host. */
export function parseAddress(text: string, hidden: Hidden = {}): Address {
  const [path = '/'] = text.split('?', 1);
  return { path, query: new URLSearchParams(text.slice(path.length)), text, hidden };
}

/** The id after a part of the path: `a b` of `/integrations/a%20b`. Undefined if there is none. */
export function idAfter({ path }: Address, before: string): string | undefined {
  if (!path.startsWith(before) || path === before) return undefined;
  const text = path.slice(before.length);
  try {
    return decodeURIComponent(text);
  } catch {
    // Not written by this page.
    return text;
  }
}
