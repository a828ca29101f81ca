import { lookup } from 'node:dns';
import { describe, expect, jest, test } from '@jest/globals';
import { ConnectionPool } from '../../../lambdas/partners/http/connection-pool.ts';
import { createHttpsSender } from '../../../lambdas/partners/http/sender.ts';
import { createTargetFinder } from '../../../lambdas/partners/http/target.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { NOW } from '../../support/factories.ts';
import { type PartnerServer, startPartner, TO_LOCAL_PARTNERS } from '../../support/partner-server.ts';

const keep = closedAfterEach();

const startHealthy = () => keep(startPartner((response) => response.end()));

/** A partner that delays every response until the test releases it. */
async function startWaiting() {
  const held: (() => void)[] = [];
  const partner = await keep(startPartner((response) => held.push(() => response.end())));
  /** Waits for this number of requests, and responds to them. */
  const respondTo = async (count: number) => {
    while (held.length < count) await new Promise(setImmediate);
    for (const respond of held.splice(0)) respond();
  };
  return { partner, respondTo };
}

/** A sender on a wall clock that the test sets, as after a freeze. */
function senderOnClock() {
  const clock = { nowMs: NOW };
  const sender = createHttpsSender({ ...TO_LOCAL_PARTNERS, now: () => clock.nowMs });
  const send = ({ url }: PartnerServer, timeoutMs = 10_000, body = '{}') =>
    sender.send({ url, headers: {}, body, timeoutMs });
  const sendAll = (count: number, partner: PartnerServer) =>
    Array.from({ length: count }, (_, index) => send(partner, 10_000, String(index)));
  return { send, sendAll, clock };
}

const connectionsOf = ({ received }: PartnerServer) => received.map(({ connection }) => connection);
const ALL_RESPONDED = (count: number) => Array(count).fill(expect.objectContaining({ kind: 'responded', status: 200 }));

describe('a connection that was idle by the wall clock', () => {
  test('for 20 s since its last use is used again', async () => {
    const partner = await startHealthy();
    const { send, clock } = senderOnClock();
    for (const idleMs of [0, 20_000, 15_000, 15_000]) {
      clock.nowMs += idleMs;
      await send(partner);
    }
    expect(connectionsOf(partner)).toEqual([0, 0, 0, 0]);
  });

  test('for longer is closed and never used, whichever partner is sent to next', async () => {
    const [a, b] = [await startHealthy(), await startHealthy()];
    const { send, clock } = senderOnClock();
    await send(a);
    const closed = new Promise((resolve) => a.connections[0]?.once('close', resolve));
    clock.nowMs += 20_001;
    await send(b);
    await closed;
    await send(a);
    expect(connectionsOf(a)).toEqual([0, 1]);
  });

  test('was not idle while a request was in flight on it', async () => {
    const { partner: slow, respondTo } = await startWaiting();
    const other = await startHealthy();
    const { send, clock } = senderOnClock();
    const first = send(slow);
    await respondTo(1);
    await first;
    const second = send(slow);
    while (slow.received.length < 2) await new Promise(setImmediate);
    clock.nowMs += 60_000;
    await send(other);
    await respondTo(1);
    expect(await second).toMatchObject({ kind: 'responded', status: 200 });
    expect(slow.received).toHaveLength(2);
  });

  test('is closed without a younger one', async () => {
    const { partner, respondTo } = await startWaiting();
    const { sendAll, clock } = senderOnClock();
    for (const [count, idleMs] of [
      [2, 15_000],
      [1, 10_000],
      [1, 0],
    ] as const) {
      const sent = sendAll(count, partner);
      await respondTo(count);
      await Promise.all(sent);
      clock.nowMs += idleMs;
    }
    expect(partner.connections).toHaveLength(2);
    expect(connectionsOf(partner).at(-1)).toBe(connectionsOf(partner).at(-2));
  });
});

test('a connection that is reset while idle is forgotten', async () => {
  const partner = await startHealthy();
  const pool = new ConnectionPool({ lookup, isAllowed: () => true, nowMs: Date.now });
  const target = createTargetFinder({ allowPlainHttp: true, allowedPorts: 'any' }, () => true)(partner.url);
  if (typeof target === 'string') throw new Error(target);
  const connection = pool.take(target, 5_000);
  while (partner.connections.length === 0) await new Promise(setImmediate);
  pool.release(connection);
  const closed = new Promise((resolve) => connection.socket.once('close', resolve));
  partner.connections[0]?.resetAndDestroy();
  await closed;
  const next = pool.take(target, 5_000);
  expect([next === connection, next.isReused]).toEqual([false, false]);
  next.socket.destroy();
});

test('an idle connection does not keep a process running, one in use does', async () => {
  const { partner, respondTo } = await startWaiting();
  const { send } = senderOnClock();
  const open = () => process.getActiveResourcesInfo().filter((resource) => resource === 'TCPSocketWrap').length;
  const counts: number[] = [];
  for (let requests = 0; requests < 2; requests += 1) {
    const sent = send(partner);
    while (partner.received.length === requests) await new Promise(setImmediate);
    const inUse = open();
    await respondTo(1);
    await sent;
    counts.push(inUse - open());
  }
  expect([connectionsOf(partner), counts]).toEqual([
    [0, 0],
    [1, 1],
  ]);
});

describe('connections to one partner', () => {
  test('are 30 at most; further requests wait in turn', async () => {
    const { partner, respondTo } = await startWaiting();
    const sent = senderOnClock().sendAll(75, partner);
    for (const count of [30, 30, 15]) await respondTo(count);
    expect(await Promise.all(sent)).toEqual(ALL_RESPONDED(75));
    expect(partner.connections).toHaveLength(30);
    const turns = partner.received.map(({ body }) => Math.floor(Number(body) / 30));
    expect(turns).toEqual(turns.toSorted());
  });

  test('are waited for no longer than the deadline; a request that timed out gets none later', async () => {
    const { partner, respondTo } = await startWaiting();
    const { send, sendAll } = senderOnClock();
    const busy = sendAll(30, partner);
    const late = await send(partner, 50);
    expect(late).toEqual({ kind: 'failed', code: 'TIMEOUT', timings: { totalMs: expect.any(Number) } });
    await respondTo(30);
    await Promise.all(busy);
    const again = sendAll(30, partner);
    await respondTo(30);
    expect(await Promise.all(again)).toEqual(ALL_RESPONDED(30));
    expect(partner.received).toHaveLength(60);
  });

  test('are waited for within the deadline, not before it', async () => {
    const { partner, respondTo } = await startWaiting();
    const { send, sendAll } = senderOnClock();
    const busy = sendAll(30, partner);
    const late = send(partner, 600_000);
    while (partner.received.length < 30) await new Promise(setImmediate);
    const lateMs = performance.now() + 600_000;
    jest.spyOn(performance, 'now').mockReturnValue(lateMs);
    await respondTo(30);
    // With a deadline that began with the slot it would be sent.
    expect(await late).toMatchObject({ kind: 'failed', code: 'TIMEOUT' });
    jest.restoreAllMocks();
    await Promise.all(busy);
    expect(partner.received).toHaveLength(30);
  });

  test('that are all busy delay no other partner', async () => {
    const { partner: slow, respondTo } = await startWaiting();
    const other = await startHealthy();
    const { send, sendAll } = senderOnClock();
    const busy = sendAll(60, slow);
    expect(await send(other)).toMatchObject({ kind: 'responded', status: 200 });
    for (const count of [30, 30]) await respondTo(count);
    await Promise.all(busy);
  });

  test('that were all lost while idle cost nothing', async () => {
    const { partner, respondTo } = await startWaiting();
    const { sendAll } = senderOnClock();
    const first = sendAll(30, partner);
    await respondTo(30);
    await Promise.all(first);
    for (const connection of partner.connections.slice()) connection.resetAndDestroy();
    const second = sendAll(60, partner);
    for (const count of [30, 30]) await respondTo(count);
    expect(await Promise.all(second)).toEqual(ALL_RESPONDED(60));
  });
});

test('idle connections to all partners are 256 at most, those used last', async () => {
  const { sendAll } = senderOnClock();
  const partners: PartnerServer[] = [];
  for (let started = 0; started < 9; started += 1) {
    const { partner, respondTo } = await startWaiting();
    partners.push(partner);
    const sent = sendAll(30, partner);
    await respondTo(30);
    await Promise.all(sent);
  }
  const open = () => partners.map(({ connections }) => connections.filter(({ closed }) => !closed).length);
  while (open().reduce((sum, count) => sum + count) > 256) await new Promise(setImmediate);
  expect(open()).toEqual([16, 30, 30, 30, 30, 30, 30, 30, 30]);
});
