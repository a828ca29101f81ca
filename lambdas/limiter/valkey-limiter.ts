import { IO_DEADLINES, type IoDeadlines } from '../shared/io-deadlines.ts';
import type { Log } from '../shared/log.ts';
import { clientOpener, type ValkeyAddress } from '../valkey/client.ts';
import { ValkeyConnection } from '../valkey/connection.ts';
import { reasonOf } from '../valkey/outcomes.ts';
import { EnvironmentLimiter } from './environment-limiter.ts';
import type { LimitedIntegration, Limiter } from './limiter.ts';
import { limiterKey } from './limiter-record.ts';
import {
  acquireCommand,
  type LimiterCommand,
  readLimiterReply,
  readReportReply,
  reportCommand,
  runLimiterScript,
  slowCommand,
} from './limiter-script.ts';

export interface ValkeyLimiterOptions extends ValkeyAddress {
  readonly log: Log;
  /** Largest number of attempts that a slow endpoint may have in flight: the same for all functions of a stage. */
  readonly slowAttempts: number;
  /** Number of environments of both functions that may send at the same time: each sends its share while Valkey is down. */
  readonly environments: number;
  /** Wall clock, ms. */
  readonly now?: () => number;
  /** 0 up to 1. */
  readonly random?: () => number;
  readonly deadlines?: IoDeadlines['valkey'];
}

export interface ValkeyLimiter extends Limiter {
  /** Connects in the background during a cold start, so that the first call does not wait for it. */
  connect(): void;
  /** Closes the connection permanently, within 200 ms. Afterwards this environment sends its share. */
  close(): Promise<void>;
}

/**
 * The limiter that all functions share, in Valkey: ElastiCache Serverless, or any server with its protocol. Each call runs
 * one script on one key, because a cluster refuses scripts over several slots. The script uses the server's clock.
 *
 * While Valkey does not respond in time, this environment sends its share of each limit (`EnvironmentLimiter`) and rejects
 * nothing. Reports made in that time stay in this environment. A call that timed out may still have reserved a slot, which
 * no attempt uses.
 */
export function createValkeyLimiter(options: ValkeyLimiterOptions): ValkeyLimiter {
  const { log, slowAttempts, now = Date.now, deadlines = IO_DEADLINES.valkey } = options;
  const alone = new EnvironmentLimiter(options);
  let isDown = false;
  const connection = new ValkeyConnection(clientOpener(options), failed, now, deadlines);

  /** Logs one warning until a call succeeds again. */
  function failed(reason: string): void {
    if (!isDown)
      log.warn('limiter.unavailable', {
        reason,
        effect: 'each environment sends its share of a limit and parks nothing',
      });
    isDown = true;
  }

  function succeeded(): void {
    if (isDown) log.info('limiter.recovered', {});
    isDown = false;
  }

  /** @returns the script's reply; undefined if there is none in time */
  async function run(
    integration: LimitedIntegration,
    command: LimiterCommand,
  ): Promise<{ readonly reply: unknown } | undefined> {
    const [outcome] = await connection.run((client) => [runLimiterScript(client, limiterKey(integration), command)]);
    if (outcome === undefined) return undefined;
    if ('value' in outcome) {
      succeeded();
      return { reply: outcome.value };
    }
    failed(reasonOf('lost' in outcome ? outcome.lost : outcome.refused));
    return undefined;
  }

  return {
    async acquire(integration, requests, { mayProbe }) {
      const replied = await run(integration, acquireCommand(integration, { requests, mayProbe, slowAttempts }));
      return readLimiterReply(replied?.reply, requests.length) ?? alone.acquire(integration, requests.length, now());
    },
    async report(integration, report) {
      const replied = await run(integration, reportCommand(integration, report));
      if (replied !== undefined) return readReportReply(replied.reply);
      alone.report(integration, report, now());
      return undefined;
    },
    async reportSlow(integration) {
      if (!(await run(integration, slowCommand(integration)))) alone.slow(integration, now());
    },
    connect: () => connection.connect(),
    close: () => connection.close(),
  };
}
