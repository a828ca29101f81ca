/// <reference lib="dom" />
import { useCallback, useSyncExternalStore } from 'react';

/** An address within the page. */
export interface Address {
  /** `/deliveries` */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly text: string;
}

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
export function useAddress(): { readonly address: Address; navigate(text: string): void } {
  const text = useSyncExternalStore(subscribe, () => `${location.pathname}${location.search}`);
  const navigate = useCallback((to: string) => {
    history.pushState(null, '', to);
    for (const listener of listeners) listener();
    scrollTo(0, 0);
  }, []);
  return { address: parseAddress(text), navigate };
}

/** Reads what follows the host. */
export function parseAddress(text: string): Address {
  const [path = '/'] = text.split('?', 1);
  return { path, query: new URLSearchParams(text.slice(path.length)), text };
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
