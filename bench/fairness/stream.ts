import { setTimeout as sleep } from 'node:timers/promises';
import { toMessageText } from '../../lambdas/domain/json-text.ts';
import { output } from '../../local/demo/operator.ts';
import type { Pipeline } from './pipeline.ts';

/** A delivery that was published to the deliveries queue. */
export interface Published {
  readonly integrationId: string;
  readonly webhookId: string;
  /** Epoch ms, before it was sent. */
  readonly atMs: number;
}

export interface Pace {
  /** Deliveries a second, for each integration. */
  readonly perSecond: number;
  readonly seconds: number;
}

/** Publishes deliveries for each integration in turn, at the clock's pace, whatever the pipeline does. */
export async function publishSteadily(
  { platform, newDelivery }: Pipeline,
  integrationIds: readonly string[],
  { perSecond, seconds }: Pace,
): Promise<Published[]> {
  const published: Published[] = [];
  const sending: Promise<unknown>[] = [];
  const startedAtMs = performance.now();
  const until = async (afterMs: number) => {
    const leftMs = startedAtMs + afterMs - performance.now();
    if (leftMs > 0) await sleep(leftMs);
  };
  const count = Math.max(1, Math.round(perSecond * seconds)) * integrationIds.length;
  for (let index = 0; index < count; index += 1) {
    await until((index / count) * seconds * 1000);
    const integrationId = integrationIds[index % integrationIds.length] as string;
    const delivery = newDelivery(integrationId);
    published.push({ integrationId, webhookId: delivery.webhook_id, atMs: Date.now() });
    const message = { MessageBody: toMessageText(delivery), MessageGroupId: integrationId };
    sending.push(platform.queues.send(output(platform, 'DeliveriesQueueUrl'), message));
  }
  await until(seconds * 1000);
  await Promise.all(sending);
  return published;
}
