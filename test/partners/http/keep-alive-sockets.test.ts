import { describe, expect, jest, test } from '@jest/globals';
import { createHttpsSender } from '../../../lambdas/partners/http/sender.ts';
import type { WebhookSender } from '../../../lambdas/partners/webhook-sender.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { NOW } from '../../support/factories.ts';
import { type Answer, type PartnerServer, startPartner, TO_LOCAL_PARTNERS } from '../../support/partner-server.ts';

const keep = closedAfterEach();

const partnerThat = (answer: Answer) => keep(startPartner(answer));

/** A sender on a wall clock that the test sets, as after a freeze. */
function senderOnClock() {
  const clock = { nowMs: NOW };
  const now = () => clock.nowMs;
  const sender = createHttpsSender({ ...TO_LOCAL_PARTNERS, now });
  return { sender, clock };
}

function send(sender: WebhookSender, { url }: PartnerServer, timeoutMs = 10_000) {
  return sender.send({ url, headers: {}, body: '{}', timeoutMs });
}

/** Delays every response until the test releases it. */
async function partnerThatWaits() {
  const held: (() => void)[] = [];
  const partner = await partnerThat((answer) => held.push(() => answer.end()));
  const release = () => {
    for (const answer of held.splice(0)) answer();
  };
  const heldUp = async (count: number) => {
    while (held.length < count) await new Promise(setImmediate);
  };
  return { partner, release, heldUp };
}

describe('a connection that was idle by the wall clock', () => {
  test('for 20 s is used again', async () => {
    const partner = await partnerThat((answer) => answer.end());
    const { sender, clock } = senderOnClock();
    await send(sender, partner);
    clock.nowMs += 20_000;
    await send(sender, partner);
    expect(partner.received.map(({ connection }) => connection)).toEqual([0, 0]);
  });

  test('for longer is closed and never used, whichever partner is sent to next', async () => {
    const [a, b] = await Promise.all([partnerThat((answer) => answer.end()), partnerThat((answer) => answer.end())]);
    const { sender, clock } = senderOnClock();
    await send(sender, a);
    const closed = new Promise((resolve) => a.connections[0]?.once('close', resolve));
    clock.nowMs += 20_001;
    await send(sender, b);
    await closed;
    await send(sender, a);
    expect(a.received.map(({ connection }) => connection)).toEqual([0, 1]);
  });

  test('is measured from its last use', async () => {
    const partner = await partnerThat((answer) => answer.end());
    const { sender, clock } = senderOnClock();
    for (const _ of [1, 2, 3]) {
      await send(sender, partner);
      clock.nowMs += 15_000;
    }
    expect(partner.connections).toHaveLength(1);
  });

  test('was not idle while a request was under way on it', async () => {
    const { partner: slow, release, heldUp } = await partnerThatWaits();
    const other = await partnerThat((answer) => answer.end());
    const { sender, clock } = senderOnClock();
    const first = send(sender, slow);
    await heldUp(1);
    release();
    await first;
    const second = send(sender, slow);
    await heldUp(1);
    clock.nowMs += 60_000;
    await send(sender, other);
    release();
    expect(await second).toMatchObject({ kind: 'answered', status: 200 });
    expect(slow.received).toHaveLength(2);
  });

  test('gives way to a younger one alone', async () => {
    const { partner, release, heldUp } = await partnerThatWaits();
    const { sender, clock } = senderOnClock();
    const both = [send(sender, partner), send(sender, partner)];
    await heldUp(2);
    release();
    await Promise.all(both);
    clock.nowMs += 15_000;
    const younger = send(sender, partner);
    await heldUp(1);
    release();
    await younger;
    clock.nowMs += 10_000;
    const again = send(sender, partner);
    await heldUp(1);
    release();
    await again;
    expect(partner.connections).toHaveLength(2);
    expect(partner.received.at(-1)?.connection).toBe(partner.received.at(-2)?.connection);
  });
});

describe('connections to one partner', () => {
  test('are 30 at most; who waits for one is served in turn', async () => {
    const { partner, release, heldUp } = await partnerThatWaits();
    const { sender } = senderOnClock();
    const sent = Array.from({ length: 75 }, () => send(sender, partner));
    for (const count of [30, 30, 15]) {
      await heldUp(count);
      release();
    }
    const results = await Promise.all(sent);
    expect(results.map(({ kind }) => kind)).toEqual(Array(75).fill('answered'));
    expect(partner.connections).toHaveLength(30);
  });

  test('are waited for no longer than the deadline', async () => {
    const { partner, release, heldUp } = await partnerThatWaits();
    const { sender } = senderOnClock();
    const busy = Array.from({ length: 30 }, () => send(sender, partner));
    await heldUp(30);
    const late = await send(sender, partner, 50);
    expect(late).toEqual({ kind: 'failed', code: 'TIMEOUT', timings: { totalMs: expect.any(Number) } });
    release();
    await Promise.all(busy);
    expect(partner.received).toHaveLength(30);
  });

  test('are waited for within the deadline, not before it', async () => {
    const { partner, release, heldUp } = await partnerThatWaits();
    const { sender } = senderOnClock();
    const busy = Array.from({ length: 30 }, () => send(sender, partner));
    await heldUp(30);
    const late = send(sender, partner, 600_000);
    const lateMs = performance.now() + 600_000;
    jest.spyOn(performance, 'now').mockReturnValue(lateMs);
    release();
    expect(await late).toMatchObject({ kind: 'failed', code: 'TIMEOUT' });
    jest.restoreAllMocks();
    await Promise.all(busy);
    // A deadline that began with the slot would let it go out.
    expect(partner.received).toHaveLength(30);
  });

  test('that are all busy delay no other partner', async () => {
    const { partner: slow, release, heldUp } = await partnerThatWaits();
    const other = await partnerThat((answer) => answer.end());
    const { sender } = senderOnClock();
    const busy = Array.from({ length: 60 }, () => send(sender, slow));
    await heldUp(30);
    expect(await send(sender, other, 1_000)).toMatchObject({ kind: 'answered', status: 200 });
    for (const count of [30, 30]) {
      await heldUp(count);
      release();
    }
    await Promise.all(busy);
  });

  test('that were all lost while idle cost nothing', async () => {
    const { partner, release, heldUp } = await partnerThatWaits();
    const { sender } = senderOnClock();
    const first = Array.from({ length: 30 }, () => send(sender, partner));
    await heldUp(30);
    release();
    await Promise.all(first);
    for (const connection of partner.connections.slice()) connection.resetAndDestroy();
    const second = Array.from({ length: 60 }, () => send(sender, partner));
    for (const count of [30, 30]) {
      await heldUp(count);
      release();
    }
    const results = await Promise.all(second);
    expect(results.map(({ kind }) => kind)).toEqual(Array(60).fill('answered'));
  });
});

describe('connections to all partners', () => {
  test('are kept up to 256, those used last', async () => {
    const { sender } = senderOnClock();
    const waiting = await Promise.all(Array.from({ length: 9 }, () => partnerThatWaits()));
    for (const { partner, release, heldUp } of waiting) {
      const sent = Array.from({ length: 30 }, () => send(sender, partner));
      await heldUp(30);
      release();
      await Promise.all(sent);
    }
    const open = () => waiting.map(({ partner }) => partner.connections.filter(({ closed }) => !closed).length);
    while (open().reduce((sum, count) => sum + count) > 256) await new Promise(setImmediate);
    expect(open()).toEqual([16, 30, 30, 30, 30, 30, 30, 30, 30]);
  });
});
