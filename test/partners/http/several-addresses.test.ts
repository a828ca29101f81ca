import type { LookupAddress } from 'node:dns';
import { expect, test } from '@jest/globals';
import { createHttpsSender } from '../../../lambdas/partners/http/sender.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { startMuteListener } from '../../support/mute-listener.ts';
import { startPartner, TO_LOCAL_PARTNERS } from '../../support/partner-server.ts';

const keep = closedAfterEach();

/** The partner at 127.0.0.1 responds with 200; a late one at 127.0.0.2 with 218; 127.0.0.3 refuses. */
const [PARTNER, LATE, REFUSING] = ['127.0.0.1', '127.0.0.2', '127.0.0.3'] as const;
/** Responds to no SYN. */
const MUTE = '127.0.0.4';
/** A documentation address, to which no route leads. */
const UNREACHABLE_V6 = '2001:db8::1';

async function send(addresses: readonly string[], timeoutMs: number) {
  const partner = await keep(startPartner((response) => response.end()));
  const hosts = [LATE, MUTE].filter((host) => addresses.includes(host));
  const listeners = await Promise.all(hosts.map((host) => keep(startMuteListener(host, partner.port))));
  const found = addresses.map((address): LookupAddress => ({ address, family: address.includes(':') ? 6 : 4 }));
  const sender = createHttpsSender({
    ...TO_LOCAL_PARTNERS,
    allowedCidrs: ['127.0.0.0/8', '2001:db8::/32'],
    lookup: (_name, _options, callback) => callback(null, found),
  });
  const sent = sender.send({ url: `http://partner.example:${partner.port}/`, headers: {}, body: '{}', timeoutMs });
  // More than the 250 ms that Node gives an address; the client repeats its SYN after 1 s.
  if (addresses.includes(LATE)) setTimeout(() => listeners[0]?.accept(), 400);
  return sent;
}

// Most of the time is spent waiting: in parallel.
test('a name with several addresses is sent to the first one that responds within its share of the time', async () => {
  const cases: [readonly string[], number, number][] = [
    [[REFUSING, PARTNER], 15_000, 200],
    [[MUTE, PARTNER], 2_400, 200],
    [[MUTE, MUTE, PARTNER], 2_400, 200],
    // Each address gets seconds: it may be far away, or have lost a packet.
    [[LATE, PARTNER], 15_000, 218],
    // The other one is IPv6, so the partner is waited for at its only IPv4 address.
    [[UNREACHABLE_V6, LATE], 15_000, 218],
    [[LATE, UNREACHABLE_V6], 15_000, 218],
  ];
  const results = await Promise.all(cases.map(([addresses, timeoutMs]) => send(addresses, timeoutMs)));
  expect(results).toMatchObject(cases.map(([, , status]) => ({ kind: 'responded', status })));
});
