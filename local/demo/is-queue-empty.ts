import type { Platform } from '../platform.ts';
import { output } from './operator.ts';

/** Whether a queue holds no message, in hand or not. @param name of the template's output that has its URL */
export async function isQueueEmpty(platform: Platform, name: string): Promise<boolean> {
  const { ready, delayed, inflight } = await platform.queues.content(output(platform, name));
  return ready.length + delayed.length + inflight.length === 0;
}
