/** The result that a sender must have of a response: the partner's status, or a failure of this kind. */
export type Expected =
  | {
      readonly status: number;
      readonly retryAfter?: string;
      /** Whether the next request must use the same connection, or must not; absent if either is right. */
      readonly reuse?: boolean;
    }
  /** `dead`: no attempt can succeed. `retry`: a later attempt may. */
  | { readonly verdict: 'dead' | 'retry' };

/** One response of a partner, byte by byte. It depends on no sender, so that any can be tested with it. */
export interface ResponseCase {
  readonly name: string;
  /** Latin-1, so that one character is one byte. */
  readonly bytes: string;
  /** What follows the last byte: the connection stays open unless the case says otherwise. */
  readonly ending?: 'close' | 'reset';
  /** The client must end the wait itself. */
  readonly isEndless?: true;
  readonly expected: Expected;
}

/** Name, bytes, the result that a sender must have, and what follows the last byte. */
type Row = readonly [string, string, Expected, ('close' | 'reset' | 'endless')?];

const OK = 'HTTP/1.1 200 OK\r\n';
const CLOSED = { status: 200, reuse: false } as const;
const KEPT = { status: 200, reuse: true } as const;
const DEAD = { verdict: 'dead' } as const;
const RETRY = { verdict: 'retry' } as const;

/** Responses that HTTP allows. */
const CORRECT: readonly Row[] = [
  ['an empty body', `${OK}Content-Length: 0\r\n\r\n`, KEPT],
  ['a body', `${OK}Content-Length: 5\r\n\r\nhello`, KEPT],
  [
    'a chunked body with an extension and a trailer',
    `${OK}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n`,
    KEPT,
  ],
  ['204', 'HTTP/1.1 204 No Content\r\n\r\n', { status: 204, reuse: true }],
  ['no reason phrase', 'HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n', KEPT],
  ['no reason phrase and no space before it', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', KEPT],
  ['a body up to the end of the connection', `${OK}\r\nhello`, CLOSED, 'close'],
  ['HTTP/1.0 without a length', 'HTTP/1.0 200 OK\r\n\r\nhello', CLOSED, 'close'],
  [
    'HTTP/1.0 that keeps the connection',
    'HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok',
    KEPT,
  ],
  ['Connection: close', `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nok`, CLOSED, 'close'],
  ['empty lines before the status line', `\r\n\r\n${OK}Content-Length: 0\r\n\r\n`, KEPT],
  ['100 before it', `HTTP/1.1 100 Continue\r\n\r\n${OK}Content-Length: 0\r\n\r\n`, KEPT],
  [
    '100, 102 and 103 before it, one of them twice',
    [
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n',
      'HTTP/1.1 103 Early Hints\r\nLink: </b>\r\n\r\nHTTP/1.1 503 No\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n',
    ].join(''),
    { status: 503, retryAfter: '7', reuse: true },
  ],
  [
    'a switch of protocols that was not requested',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n\0\0\x12\x04',
    { status: 101, reuse: false },
  ],
  [
    '101 that names no protocol',
    `HTTP/1.1 101 Switching Protocols\r\n\r\n${OK}Content-Length: 0\r\n\r\n`,
    { status: 101, reuse: false },
  ],
  ['an offer of another protocol', `${OK}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok`, KEPT],
  ['205 with a body', 'HTTP/1.1 205 Reset Content\r\nContent-Length: 2\r\n\r\nok', { status: 205, reuse: true }],
  ['gzip, chunked', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n\x1f\x8b\r\n0\r\n\r\n`, KEPT],
  ['a header in Latin-1', `${OK}X-Name: caf\xe9\r\nContent-Length: 0\r\n\r\n`, KEPT],
  [
    '429 with Retry-After',
    'HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nContent-Length: 2\r\n\r\nno',
    { status: 429, retryAfter: '3', reuse: true },
  ],
];

/** A valid head, and after it a body that the head does not announce. */
const BROKEN_BODIES: readonly Row[] = [
  ['204 with a body', 'HTTP/1.1 204 No Content\r\n\r\nhello', { status: 204, reuse: false }],
  [
    '204 with a body of an announced length',
    'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\nhello',
    { status: 204, reuse: false },
  ],
  [
    '204 that announces a body and sends none',
    'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n',
    { status: 204, reuse: false },
  ],
  [
    '204 with a chunked body',
    'HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
    { status: 204, reuse: false },
  ],
  ['a body longer than its length', `${OK}Content-Length: 2\r\n\r\nhello`, CLOSED],
  ['a body shorter than its length', `${OK}Content-Length: 9\r\n\r\nhello`, CLOSED, 'close'],
  ['a body that is reset', `${OK}Content-Length: 9\r\n\r\nhello`, CLOSED, 'reset'],
  ['no body, but a length', `${OK}Content-Length: 9\r\n\r\n`, CLOSED, 'close'],
  ['a reset instead of the body', `${OK}Content-Length: 9\r\n\r\n`, CLOSED, 'reset'],
  ['a body that never ends', `${OK}Content-Length: 9\r\n\r\nhello`, CLOSED, 'endless'],
  ['chunks without an end', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`, CLOSED, 'close'],
  ['a chunk cut short', `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhe`, CLOSED, 'reset'],
  ['no chunk size', `${OK}Transfer-Encoding: chunked\r\n\r\nno number\r\n`, CLOSED],
  ['a chunk longer than its size', `${OK}Transfer-Encoding: chunked\r\n\r\n2\r\nhello\r\n0\r\n\r\n`, CLOSED],
  ['chunked, and the body is not', `${OK}Transfer-Encoding: chunked\r\n\r\n{"ok":true}`, CLOSED, 'close'],
  ['text after the body', `${OK}Content-Length: 2\r\n\r\nok\r\n<!-- nginx -->`, CLOSED],
  [
    'a second response after the first',
    `${OK}Content-Length: 2\r\n\r\nokHTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n`,
    CLOSED,
  ],
  ['text after Connection: close', `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nok...`, CLOSED],
  [
    '429 with Retry-After and a broken body',
    'HTTP/1.1 429 Slow\r\nRetry-After: 3\r\nTransfer-Encoding: chunked\r\n\r\nno number',
    { status: 429, retryAfter: '3', reuse: false },
  ],
  [
    '503 with Retry-After and a body cut short',
    'HTTP/1.1 503 No\r\nRetry-After: 3\r\nContent-Length: 9\r\n\r\n<htm',
    { status: 503, retryAfter: '3', reuse: false },
    'reset',
  ],
  [
    '400 with a body cut short',
    'HTTP/1.1 400 No\r\nContent-Length: 9\r\n\r\n{"er',
    { status: 400, reuse: false },
    'close',
  ],
];

/** A status line, and after it headers that HTTP does not allow. */
const BROKEN_HEADS: readonly Row[] = [
  [
    'Content-Length together with Transfer-Encoding',
    `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    CLOSED,
  ],
  [
    'Transfer-Encoding together with Content-Length',
    `${OK}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    CLOSED,
  ],
  [
    '429 with Retry-After before both',
    'HTTP/1.1 429 No\r\nRetry-After: 3\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    { status: 429, retryAfter: '3', reuse: false },
  ],
  ['the same Content-Length twice', `${OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`, CLOSED],
  ['two Content-Lengths', `${OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nok!`, CLOSED],
  ['a Content-Length that is no number', `${OK}Content-Length: two\r\n\r\nok`, CLOSED],
  ['a negative Content-Length', `${OK}Content-Length: -1\r\n\r\nok`, CLOSED],
  ['a Content-Length beyond 64 bits', `${OK}Content-Length: 99999999999999999999999\r\n\r\nok`, CLOSED],
  ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok', CLOSED],
  ['bare LF after a header', `${OK}Content-Length: 2\n\r\nok`, CLOSED],
  ['a folded header', `${OK}X-Long: one\r\n two\r\nContent-Length: 2\r\n\r\nok`, CLOSED],
  ['a space before the colon', `${OK}X-Name : a\r\nContent-Length: 2\r\n\r\nok`, CLOSED],
  ['a space in a header’s name', `${OK}X Name: a\r\nContent-Length: 2\r\n\r\nok`, CLOSED],
  ['a header without a colon', `${OK}nonsense\r\nContent-Length: 2\r\n\r\nok`, CLOSED],
  ['a control character in a header', `${OK}X-Name: a\x01b\r\nContent-Length: 2\r\n\r\nok`, CLOSED],
  ['a NUL in a header', `${OK}X-Name: a\0b\r\nContent-Length: 2\r\n\r\nok`, CLOSED],
  ['a lone CR in a header', `${OK}X-Name: a\rb\r\nContent-Length: 2\r\n\r\nok`, CLOSED],
  ['a control character in the reason phrase', 'HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok', { status: 200 }],
  ['no space after the status', 'HTTP/1.1 200OK\r\nContent-Length: 2\r\n\r\nok', CLOSED],
  ['more headers than are read', `${OK}${`X-More: ${'x'.repeat(1000)}\r\n`.repeat(20)}\r\n`, CLOSED],
  [
    '503 with Retry-After before a bad header',
    'HTTP/1.1 503 No\r\nRetry-After: 3\r\nX Name: a\r\n\r\n',
    { status: 503, retryAfter: '3', reuse: false },
  ],
  ['503 with a bad Retry-After', 'HTTP/1.1 503 No\r\nRetry-After: 3\x01\r\n\r\n', { status: 503, reuse: false }],
  [
    'a bad head after an interim one',
    'HTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\nHTTP/1.1 404 No\r\nX Name: a\r\n\r\n',
    { status: 404, reuse: false },
  ],
  [
    'a bad interim head: the final one is not known',
    `HTTP/1.1 103 Early Hints\r\nX Name: a\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
    DEAD,
  ],
];

/** No status: the connection ended, or the bytes are not HTTP. */
const NO_STATUS: readonly Row[] = [
  ['nothing', '', RETRY, 'close'],
  ['a reset', '', RETRY, 'reset'],
  ['half a status line', 'HTTP/1.1 2', RETRY, 'close'],
  ['half a head', `${OK}Content-Len`, RETRY, 'close'],
  ['half a head and a reset', `${OK}Content-Length: 0\r\n`, RETRY, 'reset'],
  ['an interim response and no other', 'HTTP/1.1 100 Continue\r\n\r\n', RETRY, 'close'],
  ['SSH', 'SSH-2.0-OpenSSH_9.2p1\r\n', DEAD],
  ['SMTP', '220 mail.example ESMTP\r\n', DEAD],
  ['HTML without a head', '<html><body>ok</body></html>', DEAD, 'close'],
  ['JSON without a head', '{"ok":true}', DEAD, 'close'],
  ['an HTTP/2 SETTINGS frame', '\0\0\x12\x04\0\0\0\0\0\0\x03\0\0\0\x64', DEAD],
  ['a TLS alert', '\x15\x03\x03\0\x02\x02\x46', DEAD],
  ['a request', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', DEAD],
  ['a version of HTTP that does not exist', 'HTTP/7.3 200 OK\r\nContent-Length: 0\r\n\r\n', DEAD],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n', DEAD],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n', DEAD],
  ['a status in words', 'HTTP/1.1 OK\r\nContent-Length: 0\r\n\r\n', DEAD],
  ['a version without its dot', 'HTTP/11 200 OK\r\nContent-Length: 0\r\n\r\n', DEAD],
  ['a status line in lower case', 'http/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', DEAD],
  ['a letter before the status line', 'x HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', DEAD],
  ['no space before the status', 'HTTP/1.1200 OK\r\nContent-Length: 0\r\n\r\n', DEAD],
];

/** Responses of partners, correct and not, and the result that a sender must have. */
export const RESPONSE_CASES: readonly ResponseCase[] = [
  ...CORRECT,
  ...BROKEN_BODIES,
  ...BROKEN_HEADS,
  ...NO_STATUS,
].map(([name, bytes, expected, ending]) => ({
  ...{ name, bytes, expected },
  ...(ending === 'endless' ? { isEndless: true } : ending && { ending }),
}));
