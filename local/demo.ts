import { appendFileSync, writeFileSync } from 'node:fs';
import { runProgram } from './command-line.ts';
import { DEMO_USAGE, type DemoOptions, demoHelp, readDemoOptions } from './demo/demo-options.ts';
import { equation, reconcile } from './demo/operator.ts';
import { playOwnEvents } from './demo/own-events.ts';
import { type FileEvent, readEventsFile } from './demo/read-events.ts';
import { play } from './demo/script.ts';
import { type Session, startSession } from './demo/session.ts';
import { formatOwnOutcomes, formatTable } from './demo/table.ts';
import { synthesizeLocalStage } from './synthesize.ts';

type Say = (line: string) => void;

async function demo({ receiptsFile, eventsFile }: DemoOptions): Promise<boolean> {
  const events = eventsFile === undefined ? undefined : readEventsFile(eventsFile);
  const times = startTimes();
  const say: Say = (line) => console.log(`${times.real().padStart(6)}  ${times.pipeline().padStart(9)}  ${line}`);
  console.log('  real   pipeline');
  if (receiptsFile !== undefined) writeFileSync(receiptsFile, '');
  say('synthesizing the stage "local"');
  const assemblyDirectory = await synthesizeLocalStage();
  say('synthesized; starting the platform');
  const session = await startSession({
    assemblyDirectory,
    ...(receiptsFile !== undefined && {
      onReceipt: (receipt) => appendFileSync(receiptsFile, `${JSON.stringify(receipt)}\n`),
    }),
  });
  try {
    say(`the template runs: SQS at ${session.platform.endpoints.AWS_ENDPOINT_URL_SQS}`);
    const isGood = events === undefined ? await playScenarios(session, say) : await playFile(session, events, say);
    console.log(`${times.pipeline()} of pipeline time in ${times.real()}`);
    for (const line of session.thrown()) console.log(`thrown by ${line}`);
    return isGood;
  } finally {
    await session.stop();
  }
}

/** @returns whether all outcomes are as expected, and the ledger is balanced */
async function playScenarios(session: Session, say: Say): Promise<boolean> {
  const rows = await play(session, say);
  const asExpected = rows.filter(({ isExpected }) => isExpected).length;
  say(`${asExpected} of ${rows.length} as expected`);
  const balance = await reconcile(session.platform);
  say(`the ledger ${balance.is_balanced ? 'balances' : 'does not balance'}: ${equation(balance)}`);
  console.log(`\n${formatTable(rows)}\n`);
  return asExpected === rows.length && balance.is_balanced;
}

/** @returns whether every event reached a final state */
async function playFile(session: Session, events: readonly FileEvent[], say: Say): Promise<boolean> {
  session.switchFlag(true);
  say(`flag on, for all enterprises; publishing ${events.length} ${events.length === 1 ? 'event' : 'events'}`);
  const outcomes = await playOwnEvents(session, events);
  const ended = outcomes.filter(({ isFinal }) => isFinal).length;
  say(`${ended} of ${outcomes.length} have a final outcome`);
  console.log(`\n${formatOwnOutcomes(outcomes)}\n`);
  return ended === outcomes.length;
}

/** Elapsed time of the demo by both clocks: `9.2 s` and `26 h 5 min`. */
function startTimes(): { real(): string; pipeline(): string } {
  const startedMs = Date.now();
  const realStartedMs = performance.now();
  return {
    real: () => `${((performance.now() - realStartedMs) / 1000).toFixed(1)} s`,
    pipeline: () => describeDuration(Date.now() - startedMs),
  };
}

/** Whole seconds, whole minutes, or hours and minutes: `12 s`, `2 min`, `26 h`, `26 h 5 min`. */
function describeDuration(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return minutes > 0 ? `${minutes} min` : `${seconds} s`;
}

await runProgram({ usage: DEMO_USAGE, help: `${DEMO_USAGE}\n\n${demoHelp()}` }, readDemoOptions, demo);
