import { Pool } from 'undici';
import { barePost, type Post } from '../delivery/bare-loop.ts';

/** Who can send a webhook: what Node has, twice, and the package that one of the two is made from. */
export const CLIENTS = ['node:https', 'fetch', 'undici'] as const;
export type Client = (typeof CLIENTS)[number];

const HEADERS = { 'content-type': 'application/json' };

/** What each of them costs by itself: kept connections, nothing guarded, the answer read to its end. */
export function createPosts(url: string): Readonly<Record<Client, Post>> {
  const { origin, pathname: path } = new URL(url);
  // As many as the others open: a loop with ten in flight.
  const pool = new Pool(origin, { connections: 10 });
  return {
    'node:https': barePost(url),
    async fetch(body) {
      const response = await fetch(url, { method: 'POST', body, headers: HEADERS });
      if (response.status !== 200) throw new Error(`the partner answered ${response.status}`);
      await response.arrayBuffer();
    },
    async undici(body) {
      const answer = await pool.request({ method: 'POST', path, body, headers: HEADERS });
      if (answer.statusCode !== 200) throw new Error(`the partner answered ${answer.statusCode}`);
      await answer.body.dump();
    },
  };
}
