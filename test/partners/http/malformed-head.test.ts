import { expect, test } from '@jest/globals';
import { HeadBytes } from '../../../lambdas/partners/http/malformed-head.ts';

// responses.test.ts sends such heads, in packets of any size.
test('a head that the parser refuses is not buffered without limit', () => {
  const head = new HeadBytes();
  for (let packets = 0; packets < 10; packets += 1) head.add(Buffer.alloc(64 * 1024, '\r\n'));
  head.add(Buffer.from('HTTP/1.1 200 OK\r\nX Name'));
  expect(head.read(0)).toBeUndefined();
});
