import type { Context } from '../shared/context.ts';
import { sendTestEvent } from './test-event.ts';

export interface SendTestOptions {
  readonly integration: string;
  readonly stage: string;
}

/** `send-test`: 0 where the event was delivered, else 1. @throws CommandFailed */
export async function sendTest({ integration, stage }: SendTestOptions, context: Context): Promise<number> {
  return (await sendTestEvent(await context.openStage(stage), integration, context)) ? 0 : 1;
}
