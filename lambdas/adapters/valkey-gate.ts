import type { Gate, GatedIntegration } from '../contract/delivery-ports.ts';
import { IO_DEADLINES, type IoDeadlines } from '../contract/io-deadlines.ts';
import type { Log } from '../contract/log.ts';
import { EnvironmentLimiter } from '../domain/environment-limiter.ts';
import { gateKey } from '../domain/gate-record.ts';
import { clientOpener, type ValkeyAddress } from './valkey/client.ts';
import { ValkeyConnection } from './valkey/connection.ts';
import {
  admitQuestion,
  askGate,
  type GateQuestion,
  gateAnswer,
  reportQuestion,
  slowQuestion,
} from './valkey/gate-script.ts';
import { outcomesWithin, reasonOf } from './valkey/outcomes.ts';

export interface ValkeyGateOptions extends ValkeyAddress {
  readonly log: Log;
  /** The most attempts that a slow endpoint may have under way at a time: the same for all functions of a stage. */
  readonly slowAttempts: number;
  /** How many environments may send at a time, of both functions together: each sends its share while Valkey is down. */
  readonly environments: number;
  /** Wall clock, ms. */
  readonly now?: () => number;
  /** 0 up to 1. */
  readonly random?: () => number;
  readonly deadlines?: IoDeadlines['valkey'];
}

export interface ValkeyGate extends Gate {
  /** Starts connecting in the background, so that the first call finds it done: for a cold start. */
  connect(): void;
  /** Closes the connection for good, within 200 ms. Afterwards this environment sends its share. */
  close(): Promise<void>;
}

/**
 * The gate of all functions together, in Valkey: ElastiCache Serverless, or any server that speaks its protocol. Each
 * call runs one script on one key (over several slots of a cluster, scripts are refused), by the server's clock.
 *
 * While Valkey does not respond in time, this environment sends its share of each limit (`EnvironmentLimiter`) and parks
 * nothing. What it learns in that time Valkey never hears. A response that comes too late may have reserved a time that no
 * attempt uses.
 */
export function createValkeyGate(options: ValkeyGateOptions): ValkeyGate {
  const { log, slowAttempts, now = Date.now, deadlines = IO_DEADLINES.valkey } = options;
  const alone = new EnvironmentLimiter(options);
  let isDown = false;
  const connection = new ValkeyConnection(clientOpener(options), failed, now, deadlines);

  /** Warns once, however many calls fail until one is answered again. */
  function failed(reason: string): void {
    if (!isDown)
      log.warn('gate.unavailable', { reason, effect: 'each environment sends its share of a limit and parks nothing' });
    isDown = true;
  }

  function answered(): void {
    if (isDown) log.info('gate.recovered', {});
    isDown = false;
  }

  /** @returns the script's reply; nothing where there is none in time */
  async function ask(
    integration: GatedIntegration,
    question: GateQuestion,
  ): Promise<{ readonly reply: unknown } | undefined> {
    const { limitMs } = connection;
    const startedMs = performance.now();
    const client = await connection.client(limitMs);
    if (!client) return undefined;
    const leftMs = Math.min(deadlines.commandMs, limitMs - (performance.now() - startedMs));
    const [outcome] = await outcomesWithin([askGate(client, gateKey(integration), question)], leftMs);
    if (outcome && 'value' in outcome) {
      answered();
      return { reply: outcome.value };
    }
    if (outcome && 'lost' in outcome) connection.discard(client);
    failed(reasonOf(outcome && ('lost' in outcome ? outcome.lost : outcome.refused)));
    return undefined;
  }

  return {
    async admit(integration, tickets, { mayProbe }) {
      const request = { tickets, mayProbe, slowAttempts };
      const asked = await ask(integration, admitQuestion(integration, request));
      return gateAnswer(asked?.reply, tickets.length) ?? alone.admit(integration, tickets.length, now());
    },
    async report(integration, told) {
      if (!(await ask(integration, reportQuestion(integration, told)))) alone.report(integration, told, now());
    },
    async reportSlow(integration) {
      if (!(await ask(integration, slowQuestion(integration)))) alone.slow(integration, now());
    },
    connect: () => connection.connect(),
    close: () => connection.close(),
  };
}
