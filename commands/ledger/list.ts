import type { WebhookState } from '../../lambdas/contract/ledger.ts';
import type { Span } from '../../lambdas/contract/ledger-ports.ts';
import { createProgressBar } from '../progress-bar.ts';
import { number } from '../replay/describe-replay.ts';
import { spanFields, spanWords } from '../time-span.ts';
import { findDays, noneWords } from './find-days.ts';
import { type FoundWebhook, webhooksIn } from './found-webhooks.ts';
import { createLatestFound } from './latest-found.ts';
import type { LedgerWorld } from './ledger-world.ts';
import { webhookRows } from './webhook-rows.ts';

export interface ListOptions {
  readonly state: WebhookState;
  readonly integrationId: string | undefined;
  readonly span: Span;
  /** A part of the reason. */
  readonly error: string | undefined;
  readonly atMost: number;
}

/** `ledger list`: all webhooks in one state, the latest first. @throws LedgerUnavailable */
export async function list(options: ListOptions, { table, stageName, print, asJson }: LedgerWorld): Promise<number> {
  const { state, integrationId, span, error: reason, atMost } = options;
  const found = await findDays(table, span, integrationId);
  const latest = createLatestFound<FoundWebhook>(atMost);
  const progress = createProgressBar({ total: found.days.length, unit: 'days' });
  for (const [position, day] of found.days.entries()) {
    for await (const webhook of webhooksIn(table, day, span, { state, reason })) latest.add(webhook);
    progress.report(position + 1);
  }
  progress.end();
  const webhooks = latest.latest();
  if (asJson) {
    print(JSON.stringify({ stage: stageName, state, ...spanFields(span), total: latest.total, webhooks }));
    return 0;
  }
  if (latest.total === 0) {
    const what = `${state} webhook${reason === undefined ? '' : ` whose reason contains “${reason}”`}`;
    print(noneWords(what, stageName, span, found, integrationId));
    return 0;
  }
  print(`${number(latest.total)} ${state}, of what stage ${stageName} accepted ${spanWords(span)}`);
  print(webhookRows(webhooks, ['webhook', 'integration', 'type', 'accepted', 'since', 'due', 'tries', 'reason']));
  const more = latest.total - webhooks.length;
  if (more > 0) print(`and ${number(more)} more, accepted before these: --number shows more, --until earlier ones`);
  return 0;
}
