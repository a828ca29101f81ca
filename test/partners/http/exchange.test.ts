import { lookup } from 'node:dns';
import { expect, test } from '@jest/globals';
import { createAddressGuard } from '../../../lambdas/partners/http/address-guard.ts';
import { ConnectionPool } from '../../../lambdas/partners/http/connection-pool.ts';
import { exchange } from '../../../lambdas/partners/http/exchange.ts';
import { createTargetFinder } from '../../../lambdas/partners/http/target.ts';
import { closedAfterEach } from '../../support/closed-after-each.ts';
import { startPartner } from '../../support/partner-server.ts';

const keep = closedAfterEach();

test('a connection that came about to a forbidden address, past every lookup, is closed before anything is sent', async () => {
  const partner = await keep(startPartner((answer) => answer.end()));
  const findTarget = createTargetFinder({ allowPlainHttp: true, allowedPorts: 'any' }, () => true);
  const target = findTarget(partner.url);
  if (typeof target === 'string') throw new Error(target);
  const nowMs = performance.now();
  const { result } = await exchange({
    target,
    request: { url: partner.url, headers: {}, body: '{}', timeoutMs: 5_000 },
    pool: new ConnectionPool({ lookup, isAllowed: createAddressGuard([]), nowMs: Date.now }),
    startedAtMs: nowMs,
    deadlineMs: nowMs + 5_000,
    bodyWaitMs: 5_000,
  });
  expect(result).toMatchObject({ kind: 'failed', code: 'FORBIDDEN_ADDRESS' });
  expect(partner.received).toEqual([]);
});
