import { type Cause, deliveryOf, eventOf, needsNoCopy, newRecord, reopened } from '../../../lambdas/domain/ledger.ts';
import { newDelivery } from '../../../lambdas/domain/progress.ts';
import { ENRICHED, subject } from '../factories.ts';
import { HIDDEN_MS } from './functions.ts';
import { type Invocation, type Message, SECOND, type Steps, type World } from './world.ts';

/** EnrichBatch with one event, as far as the ledger and the deliveries queue see it. */
export function accept(publication: Message<string>, world: World): Invocation {
  publication.visibleAtMs = world.nowMs + HIDDEN_MS;
  return { who: 'EnrichBatch', endMs: world.nowMs + 30 * SECOND, steps: steps() };

  function* steps(): Steps<void> {
    const accepted = subject({ event_id: publication.body, webhook_id: publication.body });
    const isKnown = world.mode() === 'up' && needsNoCopy(world.records.get(accepted.webhook_id));
    yield;
    if (!isKnown) {
      if (world.mode() !== 'failed') world.events.set(accepted.webhook_id, eventOf(accepted, world.nowMs));
      yield;
      world.send(newDelivery(accepted, ENRICHED));
      yield;
    }
    const at = world.publications.indexOf(publication);
    if (at !== -1) world.publications.splice(at, 1);
  }
}

/** An operator's replay, or what the reconciler does with a stuck webhook: written down first, then sent. */
export function sendAnew(webhookId: string, cause: Cause, world: World): Invocation {
  return { who: cause, endMs: Number.POSITIVE_INFINITY, steps: steps() };

  function* steps(): Steps<void> {
    const event = world.events.get(webhookId);
    const standing = world.records.get(webhookId);
    yield;
    if (world.mode() !== 'up' || event === undefined || (standing === undefined && cause === 'replay')) return;
    const before = standing ?? newRecord({ schema_version: 1, ...event, generation: 0 }, world.nowMs);
    const after = reopened(before, cause, world.nowMs);
    if (after === undefined || !world.replace(after)) return;
    if (before.state === 'delivered') world.allowAnother(webhookId);
    yield;
    world.send(deliveryOf(event, after, world.nowMs, cause));
  }
}
