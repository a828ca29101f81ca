import { limiterKey } from '../../lambdas/domain/limiter-record.ts';
import { ask } from '../../local/valkey/ask.ts';
import type { Pipeline } from './pipeline.ts';

/** How often the gate's record is looked at, ms. */
const LOOK_EVERY_MS = 200;

/** Looks on, from now, as the gate notices that an integration is slow or failing. */
export function noticing({ platform, integration }: Pipeline, integrationId: string) {
  const key = limiterKey(integration(integrationId));
  const startedAtMs = performance.now();
  let afterMs: number | undefined;
  const timer = setInterval(async () => {
    const reply = await ask(platform.valkey.port, ['HMGET', key, 'slow', 'open']).catch(() => '');
    // Two values, each a time, 0, or nothing where there is no record.
    if (/\r\n\d{13}(\.\d+)?/.test(reply)) {
      afterMs ??= performance.now() - startedAtMs;
      clearInterval(timer);
    }
  }, LOOK_EVERY_MS);
  return {
    /** @returns ms until it was noticed; undefined where it was not */
    stop(): number | undefined {
      clearInterval(timer);
      return afterMs;
    },
  };
}
