import { Agent, request } from 'node:https';

/** One POST, until its response has been read. @throws Error unless that is a 200 */
export type Post = (body: string) => Promise<void>;

/** POSTs over keep-alive connections and nothing else: the cost of Node itself. */
export function barePost(url: string): Post {
  const { hostname, port, pathname: path } = new URL(url);
  const agent = new Agent({ keepAlive: true });
  return (body) =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
      request({ method: 'POST', hostname, port, path, agent, headers }, (response) => {
        if (response.statusCode !== 200) reject(new Error(`the partner responded ${response.statusCode}`));
        response.resume().once('end', resolve);
      })
        .once('error', reject)
        .end(body);
    });
}

/** Maintains a number of POSTs in flight. @returns the number of responses, including those in flight at the end */
export async function keepPosting(
  post: Post,
  bodies: readonly string[],
  inFlight: number,
  untilMs: number,
): Promise<number> {
  let sent = 0;
  const one = async () => {
    while (performance.now() < untilMs) {
      sent += 1;
      await post(bodies[sent % bodies.length] as string);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, one));
  return sent;
}
