import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { explain } from '../../commands/integration/explain-response.ts';
import { type ClientCertificate, clientCertificateOf } from '../../lambdas/partners/client-certificate.ts';
import { createHttpsSender } from '../../lambdas/partners/http/sender.ts';
import { classify } from '../../lambdas/partners/response-outcome.ts';
import type { SendResult } from '../../lambdas/partners/webhook-sender.ts';
import { DELIVERED } from '../commands/operator-world.ts';
import { closedAfterEach } from '../support/closed-after-each.ts';
import { describeWithPart } from '../support/optional-part.ts';
import { TO_LOCAL_PARTNERS } from '../support/partner-server.ts';
import { TEST_ONLY_AUTHORITY, TEST_ONLY_SIGNED } from '../support/test-only-authority.ts';
import { TEST_ONLY_KEY } from '../support/test-only-certificate.ts';
import {
  ACME_CERTIFICATE,
  ACME_KEY,
  CLIENT_ISSUER,
  CLIENT_ROOT,
  EXPIRED_CERTIFICATE,
  GLOBEX_CERTIFICATE,
  GLOBEX_KEY,
} from '../support/test-only-client-certificates.ts';

function certificateOf(id: string, own: string, key: string, issuer = CLIENT_ISSUER): ClientCertificate {
  const fields = { client_certificate: `${own}\n${issuer}`, client_key: key };
  return clientCertificateOf(id, fields, 'current') as ClientCertificate;
}
const ACME = certificateOf('acme', ACME_CERTIFICATE, ACME_KEY);
const GLOBEX = certificateOf('globex', GLOBEX_CERTIFICATE, GLOBEX_KEY);
const NO_ISSUER = certificateOf('acme', ACME_CERTIFICATE, ACME_KEY, '');
const EXPIRED = certificateOf('acme', EXPIRED_CERTIFICATE, ACME_KEY);

const directory = mkdtempSync(join(tmpdir(), 'client-certificates-'));
const before = getCACertificates('default');
beforeAll(() => {
  setDefaultCACertificates([...before, TEST_ONLY_AUTHORITY]);
  for (const [name, pem] of Object.entries({ root: CLIENT_ROOT, server: TEST_ONLY_SIGNED, key: TEST_ONLY_KEY })) {
    writeFileSync(join(directory, `${name}.pem`), pem);
  }
});
afterAll(() => {
  setDefaultCACertificates(before);
  rmSync(directory, { recursive: true });
});

const keep = closedAfterEach();

/** A port that was free a moment ago: neither program reports the one that it chose. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a server, and waits until it accepts connections. */
async function startServer(program: string, words: readonly string[], port: number): Promise<ChildProcess> {
  const child = spawn(program, words, { cwd: directory, stdio: ['pipe', 'pipe', 'pipe'] });
  await keep({
    async close() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  });
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}: ${child.stderr?.read()}`);
    const socket = connect(port, '127.0.0.1');
    const isConnected = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (isConnected) return child;
    await sleep(20);
  }
}

/** A sender on a wall clock that the test sets. */
function startSender(port: number) {
  const clock = { nowMs: Date.now() };
  const sender = createHttpsSender({ ...TO_LOCAL_PARTNERS, now: () => clock.nowMs });
  const request = { url: `https://localhost:${port}/hooks`, headers: {}, body: '{}', timeoutMs: 10_000 };
  return {
    clock,
    send: (clientCertificate?: ClientCertificate): Promise<SendResult> =>
      sender.send({ ...request, ...(clientCertificate && { clientCertificate }) }),
  };
}
const OVER_IDLE_LIMIT_MS = 20_001;

function missing(program: string, ...words: readonly string[]): string | undefined {
  const { error, status } = spawnSync(program, words);
  return error === undefined && status === 0
    ? undefined
    : `no ${program}: ${error?.message ?? `it ends with ${status}`}`;
}

describeWithPart('openssl s_server', missing('openssl', 'version'), () => {
  /** It writes each request to its output, and sends what it reads from its input. */
  async function startOpenssl(version: string) {
    const port = await freePort();
    const words = ['-accept', `127.0.0.1:${port}`, '-cert', 'server.pem', '-key', 'key.pem', '-CAfile', 'root.pem'];
    const child = await startServer(
      'openssl',
      ['s_server', ...words, '-Verify', '2', '-verify_return_error', '-quiet', version],
      port,
    );
    child.stdout?.on('data', () => child.stdin?.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    return startSender(port);
  }

  describe.each(['-tls1_2', '-tls1_3'])('%s', (version) => {
    test('accepts the certificate, on a new connection too', async () => {
      const { send, clock } = await startOpenssl(version);
      for (const _ of [1, 2]) {
        expect(await send(ACME)).toMatchObject({ kind: 'responded', status: 200 });
        clock.nowMs += OVER_IDLE_LIMIT_MS;
      }
    });

    test.each<[string, ClientCertificate | undefined, RegExp, string]>([
      ['none', undefined, /_ALERT_(CERTIFICATE_REQUIRED|HANDSHAKE_FAILURE)$/, 'dead'],
      ['one without its issuer', NO_ISSUER, /_ALERT_UNKNOWN_CA$/, 'certificate_refused'],
      ['an expired one', EXPIRED, /_ALERT_CERTIFICATE_EXPIRED$/, 'certificate_refused'],
    ])('refuses %s by an alert', async (_what, certificate, code, verdict) => {
      const { send } = await startOpenssl(version);
      const result = await send(certificate);
      expect(result).toMatchObject({ kind: 'failed', code: expect.stringMatching(code) });
      expect(classify(result, [], certificate !== undefined).verdict).toBe(verdict);
    });
  });
});

/** Debian's path is not on every user's PATH. */
const NGINX = missing('nginx', '-v') === undefined ? 'nginx' : '/usr/sbin/nginx';

describeWithPart('nginx', missing(NGINX, '-v'), () => {
  const config = (port: number, protocol: string) => `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path .;
  proxy_temp_path .;
  fastcgi_temp_path .;
  uwsgi_temp_path .;
  scgi_temp_path .;
  server {
    listen 127.0.0.1:${port} ssl;
    ssl_certificate server.pem;
    ssl_certificate_key key.pem;
    ssl_protocols ${protocol};
    ssl_client_certificate root.pem;
    ssl_verify_client on;
    ssl_verify_depth 2;
    ssl_session_cache shared:tls:1m;
    location / { return 200 "$ssl_client_s_dn $ssl_session_reused"; }
  }
}
`;

  async function startNginx(port: number, protocol: string): Promise<ChildProcess> {
    writeFileSync(join(directory, 'nginx.conf'), config(port, protocol));
    return startServer(NGINX, ['-p', directory, '-c', 'nginx.conf', '-e', 'stderr'], port);
  }

  describe.each(['TLSv1.2', 'TLSv1.3'])('%s', (protocol) => {
    test('sees each integration’s certificate, in new and in resumed sessions, and after a restart', async () => {
      const port = await freePort();
      const nginx = await startNginx(port, protocol);
      const { send, clock } = startSender(port);
      const seen = async () => {
        const results = [await send(ACME), await send(GLOBEX)];
        clock.nowMs += OVER_IDLE_LIMIT_MS;
        return results.map((result) => result.kind === 'responded' && result.responseStart);
      };
      expect(await seen()).toEqual(['CN=acme .', 'CN=globex .']);
      expect(await seen()).toEqual(['CN=acme r', 'CN=globex r']);
      // Its ticket keys are new then.
      nginx.kill('SIGKILL');
      await once(nginx, 'exit');
      await startNginx(port, protocol);
      expect(await seen()).toEqual(['CN=acme .', 'CN=globex .']);
    });

    test.each<[string, ClientCertificate | undefined, RegExp]>([
      ['none', undefined, /requires a client certificate \(mutual TLS\), and was presented none/],
      ['an expired one', EXPIRED, /refuses the client certificate/],
    ])('refuses %s by a 400, which send-test explains', async (_what, certificate, meaning) => {
      const port = await freePort();
      await startNginx(port, protocol);
      const result = await startSender(port).send(certificate);
      expect(result).toMatchObject({ kind: 'responded', status: 400 });
      const { verdict, reason } = classify(result, [], true);
      expect(verdict).toBe('dead');
      const response_start = result.kind === 'responded' ? String(result.responseStart) : '';
      const report = { ...DELIVERED, verdict: 'dead', status: 400, reason, response_start } as const;
      expect(explain(report).join('\n')).toMatch(meaning);
    });
  });
});
