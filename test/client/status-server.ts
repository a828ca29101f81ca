import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export const FEATURE = 'webhook_learning_time_enrichment';

export const ON = {
  enabled: true,
  user_specific: true,
  rollout_percentage: 25,
  description: 'Learning time in completion webhooks',
  reason: 'pilot',
} as const;

export const OFF = { ...ON, enabled: false, rollout_percentage: null, reason: 'off' } as const;

export type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

/** A status API that answers as it is told, on a socket. */
export async function startStatusServer() {
  const seen: { readonly url: string; readonly authorization: string | undefined }[] = [];
  let behaviour: Behaviour = answering(200, { features: { [FEATURE]: ON }, user_id: null });
  const server = createServer((request, response) => {
    seen.push({ url: String(request.url), authorization: request.headers.authorization });
    behaviour(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    behave: (next: Behaviour) => {
      behaviour = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type StatusServer = Awaited<ReturnType<typeof startStatusServer>>;

export function answering(status: number, body: unknown, headers: Record<string, string> = {}): Behaviour {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return (_, response) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}
