import type { IncomingMessage, ServerResponse } from 'node:http';
import { startHttpServer } from '../../local/http-server.ts';

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

/** A status API on a socket, whose behaviour a test sets. */
export async function startStatusServer() {
  const seen: { readonly url: string; readonly authorization: string | undefined }[] = [];
  let behaviour: Behaviour = answering(200, { features: { [FEATURE]: ON }, user_id: null });
  const server = await startHttpServer((request, response) => {
    seen.push({ url: String(request.url), authorization: request.headers.authorization });
    behaviour(request, response);
  });
  return {
    ...server,
    seen,
    behave: (next: Behaviour) => {
      behaviour = next;
    },
  };
}

export type StatusServer = Awaited<ReturnType<typeof startStatusServer>>;

export function answering(status: number, body: unknown, headers: Record<string, string> = {}): Behaviour {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return (_, response) => response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
}
