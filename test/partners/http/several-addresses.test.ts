import type { LookupAddress } from 'node:dns';
import { describe, expect, test } from '@jest/globals';
import { createHttpsSender } from '../../../lambdas/partners/http/sender.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { type MuteListener, startMuteListener } from '../../support/mute-listener.ts';
import { type PartnerServer, startPartner, TO_LOCAL_PARTNERS } from '../../support/partner-server.ts';

const keep = closedAfterEach();

/** A partner at 127.0.0.1, and at 127.0.0.2 a host that responds to no SYN, at the same port. */
async function startBoth(): Promise<{ partner: PartnerServer; mute: MuteListener }> {
  const partner = await keep(startPartner((answer) => answer.end()));
  const mute = await keep(startMuteListener('127.0.0.2', partner.port));
  return { partner, mute };
}

const v4 = (address: string): LookupAddress => ({ address, family: 4 });
/** Documentation addresses, which are routed nowhere. */
const UNREACHABLE_V6: LookupAddress = { address: '2001:db8::1', family: 6 };

function send(port: number, addresses: readonly LookupAddress[], timeoutMs: number) {
  const sender = createHttpsSender({
    ...TO_LOCAL_PARTNERS,
    allowedCidrs: ['127.0.0.0/8', '2001:db8::/32'],
    lookup: (_name, _options, callback) => callback(null, [...addresses]),
  });
  return sender.send({ url: `http://partner.example:${port}/`, headers: {}, body: '{}', timeoutMs });
}

describe('a name with several addresses', () => {
  test('is sent to at the second one where the first refuses', async () => {
    const { port } = (await startBoth()).partner;
    expect(await send(port, [v4('127.0.0.3'), v4('127.0.0.1')], 10_000)).toMatchObject({ status: 200 });
  });

  test('is sent to at the next one where none before it responds, within the deadline', async () => {
    const [two, three] = [await startBoth(), await startBoth()];
    await keep(startMuteListener('127.0.0.4', three.partner.port));
    const results = await Promise.all([
      send(two.partner.port, [v4('127.0.0.2'), v4('127.0.0.1')], 3_000),
      send(three.partner.port, [v4('127.0.0.2'), v4('127.0.0.4'), v4('127.0.0.1')], 3_000),
    ]);
    expect(results).toMatchObject([{ status: 200 }, { status: 200 }]);
  });

  test('gives each one seconds: it may be far away, or have lost a packet', async () => {
    const cases = [
      [v4('127.0.0.2'), v4('127.0.0.1')],
      // No route leads to the other one: it is waited for at its only IPv4 address.
      [UNREACHABLE_V6, v4('127.0.0.2')],
      [v4('127.0.0.2'), UNREACHABLE_V6],
    ];
    const results = cases.map(async (addresses) => {
      const { partner, mute } = await startBoth();
      const sent = send(partner.port, addresses, 15_000);
      // Beyond the 250 ms that Node gives an address; the client repeats its SYN after 1 s.
      setTimeout(() => mute.accept(), 400);
      const result = await sent;
      expect(partner.connections).toHaveLength(0);
      return result;
    });
    expect(await Promise.all(results)).toMatchObject([{ status: 218 }, { status: 218 }, { status: 218 }]);
  });
});
