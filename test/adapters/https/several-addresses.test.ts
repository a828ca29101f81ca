import type { LookupAddress } from 'node:dns';
import { afterEach, describe, expect, test } from '@jest/globals';
import { createHttpsSender } from '../../../lambdas/adapters/https-sender.ts';
import { type MuteListener, startMuteListener } from '../../support/mute-listener.ts';
import { type PartnerServer, startPartner } from '../../support/partner-server.ts';

const running: { close(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((one) => one.close()));
});

/** A partner at 127.0.0.1, and at 127.0.0.2 a host that responds to no SYN, at the same port. */
async function startBoth(): Promise<{ partner: PartnerServer; mute: MuteListener }> {
  const partner = await startPartner((answer) => answer.end());
  running.push(partner);
  const mute = await startMuteListener('127.0.0.2', partner.port);
  running.push(mute);
  return { partner, mute };
}

const v4 = (address: string): LookupAddress => ({ address, family: 4 });
/** Documentation addresses, which are routed nowhere. */
const UNREACHABLE_V6: LookupAddress = { address: '2001:db8::1', family: 6 };

function send(port: number, addresses: readonly LookupAddress[], timeoutMs: number) {
  const sender = createHttpsSender({
    allowPlainHttp: true,
    allowedCidrs: ['127.0.0.0/8', '2001:db8::/32'],
    allowedPorts: 'any',
    lookup: (_name, _options, callback) => callback(null, [...addresses]),
  });
  return sender.send({ url: `http://partner.example:${port}/`, headers: {}, body: '{}', timeoutMs });
}

describe('a name with several addresses', () => {
  test('is sent to at the second one where the first refuses', async () => {
    const { port } = (await startBoth()).partner;
    expect(await send(port, [v4('127.0.0.3'), v4('127.0.0.1')], 10_000)).toMatchObject({ status: 200 });
  });

  test('is sent to at the second one where the first never responds, within the deadline', async () => {
    const { port } = (await startBoth()).partner;
    expect(await send(port, [v4('127.0.0.2'), v4('127.0.0.1')], 3_000)).toMatchObject({ status: 200 });
  });

  test('is sent to at the third one where neither of the others responds', async () => {
    const { port } = (await startBoth()).partner;
    const other = await startMuteListener('127.0.0.4', port);
    running.push(other);
    const addresses = [v4('127.0.0.2'), v4('127.0.0.4'), v4('127.0.0.1')];
    expect(await send(port, addresses, 3_000)).toMatchObject({ status: 200 });
  });

  test('gives the first one seconds: it may be far away, or have lost a packet', async () => {
    const { partner, mute } = await startBoth();
    const sent = send(partner.port, [v4('127.0.0.2'), v4('127.0.0.1')], 15_000);
    // Beyond the 250 ms that Node gives an address; the client repeats its SYN after 1 s.
    setTimeout(() => mute.accept(), 400);
    expect(await sent).toMatchObject({ status: 218 });
    expect(partner.connections).toHaveLength(0);
  });

  test.each([
    ['first', (address: LookupAddress) => [UNREACHABLE_V6, address]],
    ['last', (address: LookupAddress) => [address, UNREACHABLE_V6]],
  ])('is waited for at its only IPv4 address, with an IPv6 address that no route leads to %s', async (_where, both) => {
    const { partner, mute } = await startBoth();
    const sent = send(partner.port, both(v4('127.0.0.2')), 15_000);
    setTimeout(() => mute.accept(), 400);
    expect(await sent).toMatchObject({ status: 218 });
  });
});
