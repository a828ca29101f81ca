/** What a sender must make of a response: the partner's status, or a failure of this kind. */
export type Expected =
  | {
      readonly status: number;
      readonly retryAfter?: string;
      /** Whether the next request must use the same connection, or must not; absent: it is the sender's choice. */
      readonly reuse?: boolean;
    }
  /** `dead`: no attempt can succeed. `retry`: a later attempt may. */
  | { readonly verdict: 'dead' | 'retry' };

/** One response of a partner, byte by byte. It names no sender: any may be held to it. */
export interface ResponseCase {
  readonly name: string;
  /** Latin-1, so that one character is one byte. */
  readonly bytes: string;
  /** What follows the last byte: the connection stays open unless the case says otherwise. */
  readonly ending?: 'close' | 'reset';
  /** The client has to stop waiting by itself. */
  readonly isEndless?: true;
  readonly expected: Expected;
}

const OK = 'HTTP/1.1 200 OK\r\n';
const delivered = { status: 200, reuse: false } as const;
const deliveredAndKept = { status: 200, reuse: true } as const;

/** Responses that HTTP allows. */
const CORRECT: readonly ResponseCase[] = [
  { name: 'an empty body', bytes: `${OK}Content-Length: 0\r\n\r\n`, expected: deliveredAndKept },
  { name: 'a body', bytes: `${OK}Content-Length: 5\r\n\r\nhello`, expected: deliveredAndKept },
  {
    name: 'a chunked body with an extension and a trailer',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n`,
    expected: deliveredAndKept,
  },
  { name: '204', bytes: 'HTTP/1.1 204 No Content\r\n\r\n', expected: { status: 204, reuse: true } },
  { name: 'no reason phrase', bytes: 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', expected: deliveredAndKept },
  {
    name: 'no reason phrase and no space before it',
    bytes: 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n',
    expected: deliveredAndKept,
  },
  { name: 'a body up to the end of the connection', bytes: `${OK}\r\nhello`, ending: 'close', expected: delivered },
  { name: 'HTTP/1.0 without a length', bytes: 'HTTP/1.0 200 OK\r\n\r\nhello', ending: 'close', expected: delivered },
  {
    name: 'HTTP/1.0 that keeps the connection',
    bytes: 'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
    expected: deliveredAndKept,
  },
  {
    name: 'Connection: close',
    bytes: `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nok`,
    ending: 'close',
    expected: delivered,
  },
  {
    name: 'empty lines before the status line',
    bytes: `\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
    expected: deliveredAndKept,
  },
  {
    name: '100 before it',
    bytes: `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
    expected: deliveredAndKept,
  },
  {
    name: '100, 102 and 103 before it, one of them twice',
    bytes: [
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\nHTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n',
    ].join(''),
    expected: { status: 503, retryAfter: '7', reuse: true },
  },
  {
    name: 'a switch of protocols that was not asked for',
    bytes: 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n\0\0\x12\x04',
    expected: { status: 101, reuse: false },
  },
  {
    name: '101 that names no protocol',
    bytes: `HTTP/1.1 101 Switching Protocols\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
    expected: { status: 101, reuse: false },
  },
  {
    name: 'an offer of another protocol',
    bytes: `${OK}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok`,
    expected: deliveredAndKept,
  },
  {
    name: '205 with a body',
    bytes: 'HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nok',
    expected: { status: 205, reuse: true },
  },
  {
    name: 'gzip, chunked',
    bytes: `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n\x1f\x8b\r\n0\r\n\r\n`,
    expected: deliveredAndKept,
  },
  {
    name: 'a header in Latin-1',
    bytes: `${OK}X-Name: caf\xe9\r\nContent-Length: 0\r\n\r\n`,
    expected: deliveredAndKept,
  },
  {
    name: '429 with Retry-After',
    bytes: 'HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nno',
    expected: { status: 429, retryAfter: '3', reuse: true },
  },
];

/** A good head, and after it what the head does not announce. */
const BROKEN_BODIES: readonly ResponseCase[] = [
  { name: '204 with a body', bytes: 'HTTP/1.1 204 No Content\r\n\r\nhello', expected: { status: 204, reuse: false } },
  {
    name: '204 with a body of an announced length',
    bytes: 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello',
    expected: { status: 204, reuse: false },
  },
  {
    name: '204 that announces a body and sends none',
    bytes: 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
    expected: { status: 204, reuse: false },
  },
  {
    name: '204 with a chunked body',
    bytes: 'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    expected: { status: 204, reuse: false },
  },
  { name: 'a body longer than its length', bytes: `${OK}Content-Length: 2\r\n\r\nhello`, expected: delivered },
  {
    name: 'a body shorter than its length',
    bytes: `${OK}Content-Length: 9\r\n\r\nhello`,
    ending: 'close',
    expected: delivered,
  },
  { name: 'a body that is reset', bytes: `${OK}Content-Length: 9\r\n\r\nhello`, ending: 'reset', expected: delivered },
  { name: 'no body, but a length', bytes: `${OK}Content-Length: 9\r\n\r\n`, ending: 'close', expected: delivered },
  {
    name: 'a reset instead of the body',
    bytes: `${OK}Content-Length: 9\r\n\r\n`,
    ending: 'reset',
    expected: delivered,
  },
  {
    name: 'a body that never ends',
    bytes: `${OK}Content-Length: 9\r\n\r\nhello`,
    isEndless: true,
    expected: delivered,
  },
  {
    name: 'chunks without an end',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
    ending: 'close',
    expected: delivered,
  },
  {
    name: 'a chunk cut short',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhe`,
    ending: 'reset',
    expected: delivered,
  },
  { name: 'no chunk size', bytes: `${OK}Transfer-Encoding: chunked\r\n\r\nno number\r\n`, expected: delivered },
  {
    name: 'a chunk longer than its size',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n`,
    expected: delivered,
  },
  {
    name: 'chunked, and the body is not',
    bytes: `${OK}Transfer-Encoding: chunked\r\n\r\n{"ok":true}`,
    ending: 'close',
    expected: delivered,
  },
  { name: 'text after the body', bytes: `${OK}Content-Length: 2\r\n\r\nok\r\n<!-- nginx -->`, expected: delivered },
  {
    name: 'a second response after the first',
    bytes: `${OK}Content-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n`,
    expected: delivered,
  },
  {
    name: 'text after Connection: close',
    bytes: `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nok...`,
    expected: delivered,
  },
  {
    name: '429 with Retry-After and a broken body',
    bytes: 'HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nTransfer-Encoding: chunked\r\n\r\nno number',
    expected: { status: 429, retryAfter: '3', reuse: false },
  },
  {
    name: '503 with Retry-After and a body cut short',
    bytes: 'HTTP/1.1 503 No\r\nRetry-After: 3\r\nContent-Length: 9\r\n\r\n<htm',
    ending: 'reset',
    expected: { status: 503, retryAfter: '3', reuse: false },
  },
  {
    name: '400 with a body cut short',
    bytes: 'HTTP/1.1 400 No\r\nContent-Length: 9\r\n\r\n{"er',
    ending: 'close',
    expected: { status: 400, reuse: false },
  },
];

/** A status line, and after it headers that HTTP does not allow. */
const BROKEN_HEADS: readonly ResponseCase[] = [
  {
    name: 'Content-Length together with Transfer-Encoding',
    bytes: `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    expected: delivered,
  },
  {
    name: 'Transfer-Encoding together with Content-Length',
    bytes: `${OK}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    expected: delivered,
  },
  {
    name: '429 with Retry-After before both',
    bytes: 'HTTP/1.1 429 No\r\nRetry-After: 3\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    expected: { status: 429, retryAfter: '3', reuse: false },
  },
  {
    name: 'the same Content-Length twice',
    bytes: `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`,
    expected: delivered,
  },
  {
    name: 'two Content-Lengths',
    bytes: `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!`,
    expected: delivered,
  },
  { name: 'a Content-Length that is no number', bytes: `${OK}Content-Length: two\r\n\r\nok`, expected: delivered },
  { name: 'a negative Content-Length', bytes: `${OK}Content-Length: -1\r\n\r\nok`, expected: delivered },
  {
    name: 'a Content-Length beyond 64 bits',
    bytes: `${OK}Content-Length: 99999999999999999999999\r\n\r\nok`,
    expected: delivered,
  },
  { name: 'bare LF', bytes: 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', expected: delivered },
  { name: 'bare LF after a header', bytes: `${OK}Content-Length: 2\n\r\nok`, expected: delivered },
  { name: 'a folded header', bytes: `${OK}X-Long: one\r\n two\r\nContent-Length: 2\r\n\r\nok`, expected: delivered },
  { name: 'a space before the colon', bytes: `${OK}X-Name : a\r\nContent-Length: 2\r\n\r\nok`, expected: delivered },
  { name: 'a space in a header’s name', bytes: `${OK}X Name: a\r\nContent-Length: 2\r\n\r\nok`, expected: delivered },
  { name: 'a header without a colon', bytes: `${OK}nonsense\r\nContent-Length: 2\r\n\r\nok`, expected: delivered },
  {
    name: 'a control character in a header',
    bytes: `${OK}X-Name: a\x01b\r\nContent-Length: 2\r\n\r\nok`,
    expected: delivered,
  },
  { name: 'a NUL in a header', bytes: `${OK}X-Name: a\0b\r\nContent-Length: 2\r\n\r\nok`, expected: delivered },
  { name: 'a lone CR in a header', bytes: `${OK}X-Name: a\rb\r\nContent-Length: 2\r\n\r\nok`, expected: delivered },
  {
    name: 'a control character in the reason phrase',
    bytes: 'HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok',
    expected: { status: 200 },
  },
  { name: 'no space after the status', bytes: 'HTTP/1.1 200OK\r\nContent-Length: 2\r\n\r\nok', expected: delivered },
  {
    name: 'more headers than are read',
    bytes: `${OK}${`X-More: ${'x'.repeat(1000)}\r\n`.repeat(20)}\r\n`,
    expected: delivered,
  },
  {
    name: '503 with Retry-After before a bad header',
    bytes: 'HTTP/1.1 503 No\r\nRetry-After: 3\r\nX Name: a\r\n\r\n',
    expected: { status: 503, retryAfter: '3', reuse: false },
  },
  {
    name: 'a bad head after an interim one',
    bytes: 'HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\nHTTP/1.1 404 No\r\nX Name: a\r\n\r\n',
    expected: { status: 404, reuse: false },
  },
  {
    name: 'a bad interim head: the final one is not known',
    bytes: `HTTP/1.1 103 Early Hints\r\nX Name: a\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    expected: { verdict: 'dead' },
  },
];

/** No status: the connection ended, or what came is not HTTP. */
const NO_STATUS: readonly ResponseCase[] = [
  { name: 'nothing', bytes: '', ending: 'close', expected: { verdict: 'retry' } },
  { name: 'a reset', bytes: '', ending: 'reset', expected: { verdict: 'retry' } },
  { name: 'half a status line', bytes: 'HTTP/1.1 2', ending: 'close', expected: { verdict: 'retry' } },
  { name: 'half a head', bytes: `${OK}Content-Len`, ending: 'close', expected: { verdict: 'retry' } },
  {
    name: 'half a head and a reset',
    bytes: `${OK}Content-Length: 0\r\n`,
    ending: 'reset',
    expected: { verdict: 'retry' },
  },
  {
    name: 'an interim response and no other',
    bytes: 'HTTP/1.1 100 Continue\r\n\r\n',
    ending: 'close',
    expected: { verdict: 'retry' },
  },
  { name: 'SSH', bytes: 'SSH-2.0-OpenSSH_9.2p1\r\n', expected: { verdict: 'dead' } },
  { name: 'SMTP', bytes: '220 mail.example ESMTP\r\n', expected: { verdict: 'dead' } },
  {
    name: 'HTML without a head',
    bytes: '<html><body>ok</body></html>',
    ending: 'close',
    expected: { verdict: 'dead' },
  },
  { name: 'JSON without a head', bytes: '{"ok":true}', ending: 'close', expected: { verdict: 'dead' } },
  { name: 'an HTTP/2 SETTINGS frame', bytes: '\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64', expected: { verdict: 'dead' } },
  { name: 'a TLS alert', bytes: '\x15\x03\x03\0\x02\x02\x46', expected: { verdict: 'dead' } },
  { name: 'a request', bytes: 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', expected: { verdict: 'dead' } },
  {
    name: 'a version of HTTP that there is not',
    bytes: 'HTTP/7.3 200 OK\r\nContent-Length: 0\r\n\r\n',
    expected: { verdict: 'dead' },
  },
  {
    name: 'a status of four digits',
    bytes: 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n',
    expected: { verdict: 'dead' },
  },
  {
    name: 'a status of two digits',
    bytes: 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n',
    expected: { verdict: 'dead' },
  },
  { name: 'a status in words', bytes: 'HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n', expected: { verdict: 'dead' } },
  {
    name: 'no space before the status',
    bytes: 'HTTP/1.1200 OK\r\nContent-Length: 0\r\n\r\n',
    expected: { verdict: 'dead' },
  },
];

/** How partners respond, correctly and not, and what a sender must make of it. */
export const RESPONSE_CASES: readonly ResponseCase[] = [...CORRECT, ...BROKEN_BODIES, ...BROKEN_HEADS, ...NO_STATUS];
