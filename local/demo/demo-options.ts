import { readFlags } from '../command-line.ts';
import { describeBehaviour } from './partner-responses.ts';
import { DEMO_PARTNERS } from './partners.ts';
import { MAX_EVENTS } from './read-events.ts';
import { LEARNER, LEARNING_TIME_ROWS } from './sample-events.ts';

export const DEMO_USAGE = `usage: npm run demo -- [--receipts FILE] [--events FILE]
  --receipts FILE  writes each webhook that a partner received as a line of JSON, with the signing secret that the
                   partner holds, to verify it (secrets of this run only)
  --events FILE    publishes these events instead of the demo's, with the flag on for all enterprises: a JSON array, or one
                   JSON event per line (at most ${MAX_EVENTS}; a malformed line is published as it is)
  --help           this, and the integrations and learners of the demo`;

export interface DemoOptions {
  readonly isHelp: boolean;
  readonly receiptsFile: string | undefined;
  readonly eventsFile: string | undefined;
}

/** @throws UsageError */
export function readDemoOptions(args: readonly string[]): DemoOptions {
  const values = readFlags(args, {
    receipts: { type: 'string' },
    events: { type: 'string' },
    help: { type: 'boolean', short: 'h', default: false },
  });
  return {
    isHelp: values.help,
    receiptsFile: values.receipts,
    eventsFile: values.events,
  };
}

/** The demo's integrations and learners, for users who write their own events. */
export function demoHelp(): string {
  const width = Math.max(...Object.keys(DEMO_PARTNERS).map((id) => id.length));
  const partners = Object.entries(DEMO_PARTNERS).map(([id, { behaviour, entry }]) => {
    const how = behaviour === 'hang' ? 'never' : describeBehaviour(behaviour);
    return `  ${id.padEnd(width)} ${entry?.active === false ? 'is not active: receives nothing' : `responds ${how}`}`;
  });
  const learners = Object.values(LEARNER).map((id) => `  ${String(id).padEnd(width)} ${knownTime(id)}`);
  const [{ courseId, enterpriseId } = { courseId: '', enterpriseId: '' }] = LEARNING_TIME_ROWS;
  return `integrations (integration_id):
${partners.join('\n')}

learners (payload.user.id) of the course ${courseId} in the enterprise
${enterpriseId}, by what the warehouse knows of them:
${learners.join('\n')}`;
}

function knownTime(learner: number): string {
  const rows = LEARNING_TIME_ROWS.filter(({ userId }) => userId === learner);
  if (rows.length === 0) return 'nothing';
  return `${rows.reduce((sum, { seconds }) => sum + Number(seconds), 0)} s`;
}
