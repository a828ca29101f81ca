import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { HeadBytes } from '../../../lambdas/adapters/https/malformed-head.ts';

/** The head after these packets, of which the parser refused all but the first `upTo` bytes. */
function read(packets: readonly string[], upTo?: number) {
  const head = new HeadBytes();
  for (const packet of packets) head.add(Buffer.from(packet, 'latin1'));
  const { length } = packets.join('');
  return head.read(length - (upTo ?? length));
}

const BAD = 'HTTP/1.1 503 No\r\nRetry-After: 7\r\nX Name: a\r\nRetry-After: 9\r\n\r\n';

describe('a head that the parser refused', () => {
  test('has the status of its status line, and the Retry-After before the refused byte', () => {
    expect(read([BAD])).toEqual({ status: 503, retryAfter: '7' });
    expect(read([BAD], BAD.indexOf('X Name') + 2)).toEqual({ status: 503, retryAfter: '7' });
    expect(read([BAD], BAD.indexOf('Retry-After') + 3)).toEqual({ status: 503 });
    expect(read([BAD], BAD.indexOf('7') + 1)).toEqual({ status: 503 });
  });

  test('is the same in any packets, and nothing behind the refused byte counts', () => {
    fc.assert(
      fc.property(fc.subarray([...BAD].map((_, at) => at)), fc.nat(BAD.length), (cuts, upTo) => {
        const packets = [0, ...cuts].map((from, index) => BAD.slice(from, cuts[index]));
        expect(read(packets, upTo)).toEqual(read([BAD.slice(0, upTo)]));
      }),
    );
  });

  test.each([
    'HTTP/1.1 103 Early\r\nX Name: a',
    'HTTP/1.1 2000 OK',
    'HTTP/1.1 20 OK',
    'HTTP/11 200 OK',
    'http/1.1 200 OK',
    'x HTTP/1.1 200 OK',
    '',
  ])('has no status: %j', (text) => expect(read([text])).toBeUndefined());

  test('is looked for after the interim ones', () => {
    const head = new HeadBytes();
    head.add(Buffer.from('\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nRetry-After: 1\r\n'));
    head.dropInterim();
    head.add(Buffer.from('\r\nHTTP/1.1 404 No\r\nX Name'));
    head.dropInterim();
    expect(head.read(0)).toEqual({ status: 404 });
  });

  test('is not kept without end', () => {
    const head = new HeadBytes();
    for (let packets = 0; packets < 10; packets += 1) head.add(Buffer.alloc(64 * 1024, '\r\n'));
    head.add(Buffer.from('HTTP/1.1 200 OK\r\nX Name'));
    expect(head.read(0)).toBeUndefined();
  });
});
