/// <reference lib="dom" />

const KEY = 'token';

/**
 * The token of this start of the console. It comes in the address's fragment, which is removed at once, so that no
 * history and no screenshot keeps it. This tab keeps it until it is closed.
 *
 * @returns undefined if the page was opened without it
 */
export function takeToken(
  location: Pick<Location, 'hash' | 'href'>,
  history: Pick<History, 'replaceState'>,
  storage: Pick<Storage, 'getItem' | 'setItem'>,
): string | undefined {
  const given = new URLSearchParams(location.hash.slice(1)).get(KEY);
  if (given === null) return storage.getItem(KEY) ?? undefined;
  // The whole address: a path that begins with two slashes would name another host.
  history.replaceState(null, '', location.href.slice(0, -location.hash.length));
  storage.setItem(KEY, given);
  return given;
}
