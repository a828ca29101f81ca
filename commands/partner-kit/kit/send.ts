import * as http from 'node:http';
import * as https from 'node:https';

/** One request as it is sent. */
export interface KitRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** What the receiver responded, or why there is no response. */
export type KitResponse =
  | { readonly status: number; readonly isReused: boolean; readonly durationMs: number }
  /** Node's error code, or `TIMEOUT`. */
  | { readonly failure: string };

/** A certificate with its chain and its key, as PEM texts. */
export interface ClientCertificate {
  readonly cert: string;
  readonly key: string;
}

export interface Sender {
  send(request: KitRequest): Promise<KitResponse>;
  close(): void;
}

/** The status decides. The pipeline reads the body for as long, so that the connection can be used again. */
const BODY_TIMEOUT_MS = 2000;

/** Sends to one URL, over one connection while the receiver keeps it open. @param timeoutMs from the start to the status */
export function createSender(url: URL, timeoutMs: number, clientCertificate?: ClientCertificate): Sender {
  const { request, Agent } = url.protocol === 'https:' ? https : http;
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ...clientCertificate });

  function sendOnce({ headers, body }: KitRequest): Promise<KitResponse & { readonly isStale?: boolean }> {
    return new Promise((resolve) => {
      const startedMs = performance.now();
      const bytes = Buffer.from(body);
      const outgoing = request(url, {
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': bytes.length },
      });
      let hasResponded = false;
      const timer = setTimeout(() => outgoing.destroy(Object.assign(new Error(), { code: 'TIMEOUT' })), timeoutMs);
      outgoing.once('response', (response) => {
        clearTimeout(timer);
        hasResponded = true;
        const durationMs = Math.round(performance.now() - startedMs);
        const status = response.statusCode ?? 0;
        const bodyTimer = setTimeout(() => response.destroy(), BODY_TIMEOUT_MS);
        response.on('error', () => {});
        response.once('close', () => {
          clearTimeout(bodyTimer);
          resolve({ status, isReused: outgoing.reusedSocket, durationMs });
        });
        response.resume();
      });
      outgoing.on('error', ({ code, message }: NodeJS.ErrnoException) => {
        // A receiver may respond, and close the connection, before it has read the whole request.
        if (hasResponded) return;
        clearTimeout(timer);
        const isStale = outgoing.reusedSocket && (code === 'ECONNRESET' || code === 'EPIPE');
        resolve({ failure: code ?? message, isStale });
      });
      outgoing.end(bytes);
    });
  }

  return {
    async send(one) {
      const response = await sendOnce(one);
      // The receiver had closed the idle connection: the pipeline sends again too, on a new one.
      return 'failure' in response && response.isStale ? sendOnce(one) : response;
    },
    close: () => agent.destroy(),
  };
}
