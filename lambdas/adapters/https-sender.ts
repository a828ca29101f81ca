import * as http from 'node:http';
import * as https from 'node:https';
import type { SendResult, WebhookRequest, WebhookSender } from '../contract/delivery-ports.ts';

/** Sockets kept for one partner's host in one function environment (document 003: 30 per host). */
const MAX_SOCKETS_PER_HOST = 30;

/** No more of an answer than this is read: only its status counts. */
const MAX_ANSWER_BYTES = 64 * 1024;

/**
 * POSTs to partners, with connections kept alive. Redirects are answers like any other, and never followed.
 *
 * @param allowPlainHttp whether the stage lets a webhook go out unencrypted (`local` does)
 */
export function createHttpsSender({ allowPlainHttp }: { allowPlainHttp: boolean }): WebhookSender {
  const options = { keepAlive: true, maxSockets: MAX_SOCKETS_PER_HOST };
  const agents = { 'https:': new https.Agent(options), 'http:': new http.Agent(options) };
  return {
    async send(request) {
      const url = URL.parse(request.url);
      if (url === null) return { kind: 'failed', code: 'INVALID_URL' };
      if (url.protocol !== 'https:' && !(allowPlainHttp && url.protocol === 'http:')) {
        return { kind: 'failed', code: 'FORBIDDEN_URL' };
      }
      const agent = agents[url.protocol as keyof typeof agents];
      const deadline = AbortSignal.timeout(request.timeoutMs);
      const first = await tryOnce(url, request, agent, deadline);
      // A partner may close a kept connection just as it is used again. Nothing of this request was answered, and a
      // fresh socket settles whether the partner is well; the deadline stays the same.
      return 'stale' in first ? await settled(tryOnce(url, request, false, deadline)) : first;
    },
  };
}

type Try = SendResult | { readonly stale: string };

async function settled(trying: Promise<Try>): Promise<SendResult> {
  const result = await trying;
  return 'stale' in result ? { kind: 'failed', code: result.stale } : result;
}

function tryOnce(url: URL, request: WebhookRequest, agent: http.Agent | false, deadline: AbortSignal): Promise<Try> {
  const { promise, resolve } = Promise.withResolvers<Try>();
  const sent = startRequest(url, request, agent, deadline);
  if (typeof sent === 'string') return Promise.resolve({ kind: 'failed', code: sent });
  const fail = (error: NodeJS.ErrnoException, answered: boolean) => {
    if (deadline.aborted) return resolve({ kind: 'failed', code: 'TIMEOUT' });
    const code = error.code ?? error.name;
    const stale = sent.reusedSocket && !answered && (code === 'ECONNRESET' || code === 'EPIPE');
    resolve(stale ? { stale: code } : { kind: 'failed', code });
  };
  sent.on('error', (error) => fail(error, false));
  // Whatever happened: what is over has an outcome.
  const close = () => resolve({ kind: 'failed', code: deadline.aborted ? 'TIMEOUT' : 'CLOSED' });
  sent.on('response', (answer) => {
    sent.off('close', close);
    answer.on('close', close);
    let bytes = 0;
    const answered: SendResult = { kind: 'answered', status: answer.statusCode ?? 0 };
    answer.on('data', (part: Buffer) => {
      bytes += part.length;
      if (bytes <= MAX_ANSWER_BYTES) return;
      resolve(answered);
      answer.destroy();
    });
    answer.on('end', () => resolve(answered));
    answer.on('error', (error) => fail(error, true));
  });
  // 101 comes as an event of its own, with a socket that nobody else would close.
  sent.on('upgrade', (answer, socket) => {
    socket.destroy();
    resolve({ kind: 'answered', status: answer.statusCode ?? 0 });
  });
  sent.on('close', close);
  sent.end(request.body);
  return promise;
}

/** @returns Node's code where the request cannot even be written, as with a header it does not allow */
function startRequest(url: URL, request: WebhookRequest, agent: http.Agent | false, deadline: AbortSignal) {
  try {
    const transport = url.protocol === 'https:' ? https : http;
    return transport.request(url, {
      method: 'POST',
      agent,
      signal: deadline,
      headers: { ...request.headers, 'content-length': Buffer.byteLength(request.body) },
    });
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code ?? 'UNSENDABLE';
  }
}
