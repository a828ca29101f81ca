import { setTimeout as sleep } from 'node:timers/promises';
import { readFlags, readNumber } from '../local/command-line.ts';
import { enrollment, LEARNER } from '../local/demo/sample-events.ts';
import { startWorld } from '../local/demo/world.ts';
import { LOCAL_ASSEMBLY } from '../local/synthesize.ts';

/**
 * Deliveries a second of the whole pipeline while its ledger responds slowly, or not at all:
 * `npm exec -c 'node bench/slow-ledger.ts --latency 2000'` (after `npm run synth:local`). Of one partner that takes 50 ms, from the first
 * request until the last; its functions are warm.
 */
const {
  events: count,
  latency,
  down,
} = readFlags(process.argv.slice(2), {
  events: { type: 'string', default: '300' },
  latency: { type: 'string', default: '2000' },
  down: { type: 'boolean', default: false },
});
const eventCount = readNumber('events', count, 1, 100_000);

/** Published and delivered before anything counts. */
const WARM_UP_EVENTS = 60;
/** Longest that is waited, in milliseconds: what has not come by then does not count. */
const LIMIT_MS = 240_000;

const world = await startWorld({
  assemblyDirectory: LOCAL_ASSEMBLY,
  partners: { skillsoft: { answers: { status: 200, afterMs: 50 } } },
  platformOptions: { dynamoDbLatencyMs: readNumber('latency', latency, 0, 60_000) },
});
try {
  if (down) await world.platform.tables.setMode('down');
  await delivered(WARM_UP_EVENTS, 'warm');
  const { takenMs, arrived } = await delivered(eventCount, 'event');
  const perSecond = (1000 * (arrived - 1)) / takenMs;
  const how = down ? 'down' : `${latency} ms a response`;
  console.log(
    `ledger ${how}: ${arrived} of ${eventCount} deliveries in ${Math.round(takenMs)} ms, ${perSecond.toFixed(1)} a second`,
  );
} finally {
  await world.stop();
}

async function delivered(events: number, name: string) {
  const before = world.partner.receipts.length;
  const bodies = Array.from({ length: events }, (_, index) =>
    JSON.stringify(enrollment(`${name}-${index}`, 'skillsoft', LEARNER.known)),
  );
  await Promise.all(bodies.map((body) => world.publish([body])));
  const giveUpAt = performance.now() + LIMIT_MS;
  let firstMs: number | undefined;
  let lastMs = 0;
  let arrived = 0;
  while (arrived < events && performance.now() < giveUpAt) {
    await sleep(10);
    const now = world.partner.receipts.length - before;
    if (now === arrived) continue;
    arrived = now;
    lastMs = performance.now();
    firstMs ??= lastMs;
  }
  return { arrived, takenMs: lastMs - (firstMs ?? 0) };
}
