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

const head = (status: number) => `HTTP/1.1 ${status} Text\r\n`;
const OK = head(200);
const kept = (status: number, retryAfter?: string) => ({ status, reuse: true, ...(retryAfter && { retryAfter }) });
const closed = (status: number, retryAfter?: string) => ({ ...kept(status, retryAfter), reuse: false });
const CLOSED = closed(200);
const KEPT = kept(200);
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
  ['204', `${head(204)}\r\n`, kept(204)],
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
  ['100 before it', `${head(100)}\r\n${OK}Content-Length: 0\r\n\r\n`, KEPT],
  [
    '100, 102 and 103 before it, one of them twice',
    [
      `${head(100)}\r\n${head(102)}\r\n${head(103)}Link: </a>\r\n\r\n`,
      `${head(103)}Link: </b>\r\n\r\n${head(503)}Retry-After: 7\r\nContent-Length: 0\r\n\r\n`,
    ].join(''),
    kept(503, '7'),
  ],
  [
    'a switch of protocols that was not requested',
    `${head(101)}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n\0\0\x12\x04`,
    closed(101),
  ],
  ['101 that names no protocol', `${head(101)}\r\n${OK}Content-Length: 0\r\n\r\n`, closed(101)],
  ['an offer of another protocol', `${OK}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 2\r\n\r\nok`, KEPT],
  ['205 with a body', `${head(205)}Content-Length: 2\r\n\r\nok`, kept(205)],
  ['gzip, chunked', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n\x1f\x8b\r\n0\r\n\r\n`, KEPT],
  ['a header in Latin-1', `${OK}X-Name: caf\xe9\r\nContent-Length: 0\r\n\r\n`, KEPT],
  ['429 with Retry-After', `${head(429)}Retry-After: 3\r\nContent-Length: 2\r\n\r\nno`, kept(429, '3')],
];

/** A valid head, and after it a body that the head does not announce. */
const BROKEN_BODIES: readonly Row[] = [
  ['204 with a body', `${head(204)}\r\nhello`, closed(204)],
  ['204 with a body of an announced length', `${head(204)}Content-Length: 5\r\n\r\nhello`, closed(204)],
  ['204 that announces a body and sends none', `${head(204)}Content-Length: 5\r\n\r\n`, closed(204)],
  ['204 with a chunked body', `${head(204)}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`, closed(204)],
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
    `${OK}Content-Length: 2\r\n\r\nok${head(500)}Content-Length: 0\r\n\r\n`,
    CLOSED,
  ],
  ['text after Connection: close', `${OK}Connection: close\r\nContent-Length: 2\r\n\r\nok...`, CLOSED],
  [
    '429 with Retry-After and a broken body',
    `${head(429)}Retry-After: 3\r\nTransfer-Encoding: chunked\r\n\r\nno number`,
    closed(429, '3'),
  ],
  [
    '503 with Retry-After and a body cut short',
    `${head(503)}Retry-After: 3\r\nContent-Length: 9\r\n\r\n<htm`,
    closed(503, '3'),
    'reset',
  ],
  ['400 with a body cut short', `${head(400)}Content-Length: 9\r\n\r\n{"er`, closed(400), 'close'],
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
    `${head(429)}Retry-After: 3\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    closed(429, '3'),
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
  ['503 with Retry-After before a bad header', `${head(503)}Retry-After: 3\r\nX Name: a\r\n\r\n`, closed(503, '3')],
  ['503 with a bad Retry-After', `${head(503)}Retry-After: 3\x01\r\n\r\n`, closed(503)],
  ['a bad head after an interim one', `${head(103)}Retry-After: 9\r\n\r\n${head(404)}X Name: a\r\n\r\n`, closed(404)],
  [
    'a bad interim head: the final one is not known',
    `${head(103)}X Name: a\r\n\r\n${OK}Content-Length: 2\r\n\r\nok`,
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
  ['an interim response and no other', `${head(100)}\r\n`, RETRY, 'close'],
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
