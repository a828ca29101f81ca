import { integrationIdSchema } from '../lambdas/contract/event.ts';
import { readFlags, UsageError } from '../local/command-line.ts';
import type { Context } from './context.ts';
import { runCommand } from './run-command.ts';
import { sendTestEvent } from './test-event.ts';

export const SEND_TEST_USAGE = `usage: npm run send-test -- --integration ID [--stage NAME]
  sends the integration one signed test event from the stage's own addresses, and says what came of it
  --stage NAME   where (default: local, the platform that "npm start" runs)`;

/** `npm run send-test`: 0 where the event was delivered, 1 where it was not. @throws UsageError */
export async function sendTest(words: readonly string[], context: Context): Promise<number> {
  const { integration, stage } = readFlags(words, {
    integration: { type: 'string' },
    stage: { type: 'string', default: 'local' },
  });
  if (!integrationIdSchema.safeParse(integration).success || integration === undefined) {
    throw new UsageError('--integration takes the id of an integration');
  }
  return (await sendTestEvent(await context.openStage(stage), integration, context)) ? 0 : 1;
}

if (import.meta.main) await runCommand(sendTest, SEND_TEST_USAGE);
