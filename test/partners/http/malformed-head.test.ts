import { describe, expect, test } from '@jest/globals';
import { HeadBytes } from '../../../lambdas/partners/http/malformed-head.ts';

const BAD = 'HTTP/1.1 503 No\r\nRetry-After: 7\r\nX Name: a\r\nRetry-After: 9\r\n\r\n';

/** What is read of it where the parser refused all but the first `upTo` bytes. */
function read(upTo: number) {
  const head = new HeadBytes();
  head.add(Buffer.from(BAD, 'latin1'));
  return head.read(BAD.length - upTo);
}

// test/partners/http/responses.test.ts sends such heads, in packets of any size.
describe('a head that the parser refused', () => {
  test.each([
    ['its end', BAD.length, { status: 503, retryAfter: '7' }],
    ['the bad header', BAD.indexOf('X Name') + 2, { status: 503, retryAfter: '7' }],
    ['the name of Retry-After', BAD.indexOf('Retry-After') + 3, { status: 503 }],
    ['the end of Retry-After', BAD.indexOf('7') + 1, { status: 503 }],
  ])('has its status, and the Retry-After whose line ends before the refused byte: at %s', (_at, upTo, expected) => {
    expect(read(upTo)).toEqual(expected);
  });

  test('is not kept without end', () => {
    const head = new HeadBytes();
    for (let packets = 0; packets < 10; packets += 1) head.add(Buffer.alloc(64 * 1024, '\r\n'));
    head.add(Buffer.from('HTTP/1.1 200 OK\r\nX Name'));
    expect(head.read(0)).toBeUndefined();
  });
});
