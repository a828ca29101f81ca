import { clientOpener, disconnect } from '../../lambdas/valkey/client.ts';
import { startValkey } from '../../local/valkey/start-valkey.ts';
import { integration } from '../support/factories.ts';
import { type StormResult, simulateStorm, type ThrottlingPartner } from '../support/simulated-throttling.ts';

const HELP = `npm run storms -- [--seeds N]

Simulates 429 storms: limits from 1 to 1,000 a second, fixed and sliding windows of a second and a minute, with and without
Retry-After, 3 to 20 environments of DeliverBatch, without a configured limit. It prints a row for each, with the worst of N
seeds (default 3). In flight: requests that were in flight at the first 429, which no rate limiter prevents. Refused later: those
beyond them, in percent of the events, and per minute.`;

const SECOND = 1_000;

interface Row {
  readonly partner: ThrottlingPartner;
  readonly environments: number;
  readonly events: number;
}

const ROWS: readonly Row[] = [1, 3, 10, 30, 100, 300, 1_000].flatMap((perSecond) => {
  const events = Math.min(10_000, Math.max(300, 60 * perSecond, perSecond === 10 ? 1_000 : 0));
  const partners: readonly (ThrottlingPartner & { environments: number })[] = [
    { limit: perSecond, windowMs: SECOND, kind: 'fixed', hasRetryAfter: true, environments: 10 },
    { limit: perSecond, windowMs: SECOND, kind: 'sliding', hasRetryAfter: true, environments: 3 },
    { limit: perSecond, windowMs: SECOND, kind: 'sliding', hasRetryAfter: true, environments: 20 },
    { limit: perSecond, windowMs: SECOND, kind: 'fixed', hasRetryAfter: false, environments: 10 },
    { limit: 60 * perSecond, windowMs: 60 * SECOND, kind: 'fixed', hasRetryAfter: true, environments: 10 },
    { limit: 60 * perSecond, windowMs: 60 * SECOND, kind: 'sliding', hasRetryAfter: true, environments: 10 },
  ];
  return partners.map(({ environments, ...partner }) => ({
    ...{ partner, environments },
    // More than one window of a minute, so that there is something to adapt to.
    events: partner.windowMs > SECOND ? Math.max(events, Math.min(3 * partner.limit, 20_000)) : events,
  }));
});

async function main(args: readonly string[]): Promise<void> {
  const seeds = args[0] === '--seeds' ? Number(args[1]) : 3;
  if (args.includes('--help') || !Number.isInteger(seeds) || seeds < 1) return console.log(HELP);
  const server = await startValkey();
  const client = await clientOpener({ host: '127.0.0.1', port: server.port, tls: false })(2_000);
  console.log(
    'limit        window   Retry-After  environments  events  ideal   took    in flight  refused later     asks',
  );
  for (const [index, { partner, environments, events }] of ROWS.entries()) {
    const results: StormResult[] = [];
    for (let seed = 1; seed <= seeds; seed += 1) {
      const one = integration({ id: `storm-${index}-${seed}` });
      results.push(await simulateStorm({ client, integration: one, partner, events, environments, seed }));
    }
    const most = (of: (result: (typeof results)[number]) => number) => Math.max(...results.map(of));
    const { limit, windowMs, kind, hasRetryAfter } = partner;
    const idealSeconds = Math.ceil(Math.max(0, events / limit - 1)) * (windowMs / SECOND);
    const later = most(({ refused, inFlightAtFirst429 }) => refused - inFlightAtFirst429);
    const perMinute = most(
      ({ refused, inFlightAtFirst429, tookMs }) => (60_000 * (refused - inFlightAtFirst429)) / tookMs,
    );
    const undelivered = most(({ delivered }) => events - delivered);
    const columns = [
      `${limit}/${windowMs / SECOND} s`.padEnd(12),
      kind.padEnd(8),
      (hasRetryAfter ? 'yes' : 'no').padEnd(12),
      `${environments}`.padEnd(13),
      `${events}`.padEnd(7),
      `${idealSeconds} s`.padEnd(7),
      `${Math.round(most(({ tookMs }) => tookMs) / SECOND)} s`.padEnd(7),
      `${most(({ inFlightAtFirst429 }) => inFlightAtFirst429)}`.padEnd(10),
      `${later} (${((100 * later) / events).toFixed(1)}%, ${perMinute.toFixed(1)}/min)`.padEnd(22),
      (most(({ asks }) => asks) / events).toFixed(1),
    ];
    console.log(columns.join(' '), undelivered === 0 ? '' : `${undelivered} not delivered`);
  }
  disconnect(client);
  await server.stop();
}

await main(process.argv.slice(2));
