import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { attemptDelivery } from '../../lambdas/delivery/attempt-delivery.ts';
import { testIntegration } from '../../lambdas/delivery/send-test.ts';
import { deadLetterMessage } from '../../lambdas/events/dead-letter.ts';
import { createHttpsSender } from '../../lambdas/partners/http/sender.ts';
import type { Integration } from '../../lambdas/partners/integration.ts';
import { createTokenSource } from '../../lambdas/partners/oauth-tokens.ts';
import { createRetryAfterReader } from '../../lambdas/partners/retry-after.ts';
import { toMessageText } from '../../lambdas/shared/json-text.ts';
import { type HttpServer, startHttpServer } from '../../local/http-server.ts';
import { delivery, ENRICHED, fakeCounter, fakeLog, integration, registry } from '../support/factories.ts';
import { secret, secretSource } from '../support/sending.ts';

/** Data for the partner only: anywhere else it is a leak. */
const SECRETS = {
  bearer: 'canary-bearer/token+"quoted"&<x>',
  header: 'canary-header-value',
  client: 'canary-client-secret',
  token: 'canary-access-token',
};
const LEARNER = { email: 'canary@example.com', name: 'Canary Learner' };

const SIGNING = secret().signing_secrets[0] as string;
const BASIC = Buffer.from(`us:${SECRETS.client}`).toString('base64');
const OF_SECRETS = [...Object.values(SECRETS), SIGNING, SIGNING.replace('whsec_', ''), BASIC];
const OF_LEARNER = Object.values(LEARNER);

/** Ways in which a partner may repeat the request in its response. */
const ECHOES: Readonly<Record<string, (said: string, response: ServerResponse) => void>> = {
  'in the body': (said, response) => response.end(said),
  'in JSON': (said, response) => response.end(JSON.stringify({ error: 'refused', request: said })),
  'in JSON with escaped slashes': (said, response) => response.end(JSON.stringify(said).replaceAll('/', '\\/')),
  'in a page': (said, response) =>
    response.end(
      `<pre>${said.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')}</pre>`,
    ),
  'in a URL': (said, response) => response.end(`/error?request=${encodeURIComponent(said)}`),
  'in its headers': (said, response) => {
    const line = said.replaceAll(/[^ -~]/g, ' ').slice(0, 4000);
    for (const name of ['content-type', 'retry-after', 'location', 'set-cookie', 'www-authenticate', 'x-debug']) {
      response.setHeader(name, line);
    }
    response.end();
  },
  'in its status line': (said, response) => {
    response.socket?.end(
      `HTTP/1.1 ${response.statusCode} ${said.replaceAll(/[^ -~]/g, ' ')}\r\ncontent-length: 0\r\n\r\n`,
    );
  },
  'instead of HTTP': (said, response) => response.socket?.end(said),
  'in a header that is none': (said, response) => {
    response.socket?.end(`HTTP/1.1 ${response.statusCode} No\r\n${said}\r\n\r\n`);
  },
  'and is cut off in the middle of it': (said, response) => {
    response.writeHead(response.statusCode, { 'content-length': 10 * said.length });
    response.write(said, () => response.destroy());
  },
};

/** Every kind of refusal. */
const STATUSES = [302, 400, 401, 410, 429, 503];

let partner: HttpServer;
let status = 500;
let echo: (typeof ECHOES)[string] = () => undefined;
let isTokenServerEchoing = false;

beforeAll(async () => {
  partner = await startHttpServer((request, response) => {
    void respond(request, response).catch(() => response.destroy());
  });
});
beforeEach(() => {
  isTokenServerEchoing = false;
});
afterAll(() => partner.close());

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request);
  if (request.url === '/token' && !isTokenServerEchoing) {
    response.end(JSON.stringify({ access_token: SECRETS.token, expires_in: 3600 }));
    return;
  }
  const headers = request.rawHeaders.map((part, index) => (index % 2 === 0 ? `${part}: ` : `${part}\r\n`)).join('');
  response.statusCode = status;
  echo(`POST ${request.url} HTTP/1.1\r\n${headers}\r\n${body}`, response);
}

const RECEIVERS = {
  bearer: () => integration({ ...common(), auth: { type: 'bearer' } }),
  oauth: () =>
    integration({
      ...common(),
      auth: {
        ...{ type: 'oauth2_client_credentials', token_url: `${partner.url}/token`, scope: 'api' },
        ...{ token_request: 'form', client_authentication: 'basic' },
      },
    }),
};

function common(): Partial<Integration> {
  return { url: `${partner.url}/hooks`, headers: [{ name: 'X-Secret', from_secret: 'extra' }], max_retries: 0 };
}

function services(log: ReturnType<typeof fakeLog>, counter: ReturnType<typeof fakeCounter>) {
  const sender = createHttpsSender({ allowPlainHttp: true, allowedCidrs: ['127.0.0.0/8'], allowedPorts: 'any' });
  const held = secret({
    bearer_token: SECRETS.bearer,
    headers: { extra: SECRETS.header },
    client_id: 'us',
    client_secret: SECRETS.client,
  });
  return {
    ...{ sender, tokens: createTokenSource({ sender }), secretOf: () => secretSource(held) },
    ...{ log, counter, now: Date.now, random: () => 0.5, retryAfterMs: createRetryAfterReader(log) },
  };
}

/** Makes one attempt. Returns everything that it leaves, except what is protected like the payload. */
async function attempt(to: Integration) {
  const log = fakeLog();
  const counter = fakeCounter();
  const payload = JSON.stringify({ user: LEARNER, course: { id: 'course-v1:Org+Course+Run' } });
  const given = delivery(ENRICHED, { payload });
  const attempted = await attemptDelivery({ delivery: given, enrichment: ENRICHED }, to, services(log, counter));
  const { responseStart: response = '', ...rest } = attempted;
  const { redrive: _, ...result } = attempted.result;
  const deadLetter = { id: '1', body: '', reason: attempted.result.reason ?? '' };
  const public_ = [rest.attempt, result, log.lines, counter, deadLetterMessage(deadLetter)];
  return { response, left: toMessageText(public_) };
}

describe.each(Object.entries(RECEIVERS))('a partner with %s that repeats the request', (_, receiver) => {
  test.each(Object.entries(ECHOES))('%s leaves nothing of it but the protected response', async (how, repeat) => {
    echo = repeat;
    for (status of STATUSES) {
      const { left, response } = await attempt(receiver());
      for (const canary of [...OF_SECRETS, ...OF_LEARNER]) {
        expect([status, left.includes(canary)]).toEqual([status, false]);
      }
      for (const canary of OF_SECRETS)
        expect([status, response, response.includes(canary)]).toEqual([status, response, false]);
      // Confirms that the partner repeated it, and that the test can find it.
      if (how === 'in the body') expect(response).toContain(LEARNER.email);
    }
  });

  test('a connection test shows no secret', async () => {
    for (const repeat of Object.values(ECHOES)) {
      for (status of [200, ...STATUSES]) {
        echo = repeat;
        const sending = { ...services(fakeLog(), fakeCounter()), newId: () => 'id' };
        const integrations = { read: async () => registry(receiver()) };
        const report = await testIntegration({ integration_id: receiver().id }, { ...sending, integrations });
        for (const canary of OF_SECRETS) expect(JSON.stringify(report)).not.toContain(canary);
      }
    }
  });
});

test.each(Object.entries(ECHOES))(
  'a token server that repeats the request %s leaves nothing of it',
  async (_, repeat) => {
    echo = repeat;
    isTokenServerEchoing = true;
    for (status of [200, ...STATUSES]) {
      const { left, response } = await attempt(RECEIVERS.oauth());
      expect(response).toBe('');
      for (const canary of [...OF_SECRETS, ...OF_LEARNER]) expect(left).not.toContain(canary);
    }
  },
);
