import { describe, expect, test } from '@jest/globals';
import { createHttpsSender } from '../../../lambdas/partners/http/sender.ts';
import { classify } from '../../../lambdas/partners/response-outcome.ts';
import type { SendResult } from '../../../lambdas/partners/webhook-sender.ts';
import { TO_LOCAL_PARTNERS } from '../../support/partner-server.ts';
import { replay } from '../../support/replay-response.ts';
import { type Expected, RESPONSE_CASES } from '../../support/response-cases.ts';

const senderThatWaits = (bodyWaitMs: number) => {
  const sender = createHttpsSender({ ...TO_LOCAL_PARTNERS, bodyWaitMs });
  return (url: string) => sender.send({ url, headers: {}, body: '{}', timeoutMs: 15_000 });
};
const send = senderThatWaits(15_000);
/** How long it waits in vain changes no result. */
const sendInVain = senderThatWaits(20);

/** What the table says of a result. */
function seen(result: SendResult): Expected {
  const { verdict } = classify(result);
  if (result.kind === 'failed') return { verdict: verdict === 'dead' ? 'dead' : 'retry' };
  const { status, retryAfter } = result;
  return { status, ...(retryAfter !== undefined && { retryAfter }) };
}

const everyCut = (length: number) => Array.from({ length: Math.max(0, length - 1) }, (_, index) => index + 1);

describe.each(RESPONSE_CASES)('a response with $name', (one) => {
  const { reuse, ...expected } = { reuse: undefined, ...one.expected };
  // A larger head differs in its size only, which is the same in each packet.
  const cuts = everyCut(Math.min(one.bytes.length, 250));

  test.each([
    ['in one packet', []],
    ['byte by byte', cuts],
  ])('%s', async (_how, at) => {
    const { result, isReused } = await replay(one, at, one.isEndless ? sendInVain : send);
    expect(seen(result)).toEqual(expected);
    if ('status' in expected) expect(isReused).toBe(reuse ?? isReused);
    else expect(isReused).toBe(false);
  });

  test('cut in two anywhere', async () => {
    const results = await Promise.all(cuts.map((cut) => replay(one, [cut], one.isEndless ? sendInVain : send)));
    expect(results.map(({ result }) => seen(result))).toEqual(cuts.map(() => expected));
    if (reuse !== undefined) expect(results.map(({ isReused }) => isReused)).toEqual(cuts.map(() => reuse));
  });
});

test('a response to no request is never the one to the next request', async () => {
  const good = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
  const stray = 'HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n';
  const results: SendResult[] = [];
  const remember = async (url: string) => void results.push(await send(url));
  const { isReused } = await replay({ bytes: good + stray }, [good.length], remember);
  expect(isReused).toBe(false);
  expect(results).toMatchObject([{ status: 200 }, { status: 219 }]);
});
