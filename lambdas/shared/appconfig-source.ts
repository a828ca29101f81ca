import {
  type AppConfigDataClient,
  GetLatestConfigurationCommand,
  type GetLatestConfigurationResponse,
  StartConfigurationSessionCommand,
} from '@aws-sdk/client-appconfigdata';
import { errorName } from './errors.ts';
import { IO_DEADLINES, type IoDeadlines } from './io-deadlines.ts';
import type { Log } from './log.ts';

/** The shortest interval that StartConfigurationSession accepts (15 to 86,400 s). */
const POLL_INTERVAL_SECONDS = 15;

/** One configuration profile in one AppConfig environment. */
export interface ConfigurationSource<T> {
  /**
   * Returns the configuration, after a poll if the last one is older than the interval that AppConfig returned. Never
   * throws: while AppConfig is down, the last good configuration is served for as long as the process lives.
   *
   * @returns undefined if no usable configuration was ever read
   */
  read(): Promise<T | undefined>;
}

/** The profile to read, and the client to read it with. */
export interface ConfigurationProfile {
  /** Its retries count towards the poll timeouts. It needs at least one: after a freeze the first socket may be dead. */
  readonly client: AppConfigDataClient;
  readonly applicationId: string;
  readonly environmentId: string;
  readonly profileId: string;
}

export interface ConfigurationSourceOptions<T> extends ConfigurationProfile, Partial<IoDeadlines['configuration']> {
  /**
   * Called once for each version of the document. If it throws, the version is refused: the last good one stays, and the
   * error's message is logged, so the message must not repeat the document's values.
   */
  readonly parse: (text: string, lastGood: T | undefined, versionLabel: string | undefined) => T;
  readonly log: Log;
  /** Called for each failed poll; the log has one line per outage. */
  readonly onUnavailable?: () => void;
  /** The wall clock in milliseconds: a monotonic clock may stand still while Lambda freezes the function. */
  readonly now?: () => number;
}

/** Reads one profile through AppConfig's data plane and caches it in this process. */
export function createConfigurationSource<T>(options: ConfigurationSourceOptions<T>): ConfigurationSource<T> {
  return new PolledConfiguration(options);
}

/** A poll in flight, shared by concurrent reads. */
interface Poll {
  readonly startedAt: number;
  readonly timeoutMs: number;
}

class PolledConfiguration<T> implements ConfigurationSource<T> {
  readonly #options: ConfigurationSourceOptions<T>;
  readonly #now: () => number;
  #lastGood: T | undefined;
  /** The last document received, accepted or refused: a new session sends it again. */
  #lastText: string | undefined;
  #unusedToken: string | undefined;
  #intervalMs = POLL_INTERVAL_SECONDS * 1000;
  #checkedAt: number | undefined;
  #current: (Poll & { readonly done: Promise<void> }) | undefined;
  #isDown = false;

  constructor(options: ConfigurationSourceOptions<T>) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  async read(): Promise<T | undefined> {
    if (this.#isDue()) {
      const current = this.#current;
      // A poll past its timeout was frozen with the function, and its response would be old: start a new one.
      const isUsable = current !== undefined && this.#now() - current.startedAt <= current.timeoutMs;
      await (isUsable ? current.done : this.#startPoll());
    }
    return this.#lastGood;
  }

  #isDue(): boolean {
    if (this.#checkedAt === undefined) return true;
    const ageMs = this.#now() - this.#checkedAt;
    return ageMs < 0 || ageMs >= this.#intervalMs;
  }

  #startPoll(): Promise<void> {
    const { pollTimeoutMs, firstPollTimeoutMs } = { ...IO_DEADLINES.configuration, ...this.#options };
    const timeoutMs = this.#lastGood === undefined ? firstPollTimeoutMs : pollTimeoutMs;
    const poll = { startedAt: this.#now(), timeoutMs };
    const done = this.#poll(poll);
    this.#current = { ...poll, done };
    return done;
  }

  async #poll(poll: Poll): Promise<void> {
    const token = this.#unusedToken;
    // A token is valid for one call, and a call that fails or is aborted may have used it.
    this.#unusedToken = undefined;
    const abortSignal = AbortSignal.timeout(poll.timeoutMs);
    const settle = await fetchLatest(this.#options, token, abortSignal).then(
      (response) => () => this.#accept(response),
      (thrown: unknown) => () => this.#fail(abortSignal.aborted ? abortSignal.reason : thrown),
    );
    if (this.#current?.startedAt !== poll.startedAt) return;
    this.#current = undefined;
    // AppConfig counts the interval from the response. A poll that took longer than its timeout was frozen on the way.
    this.#checkedAt = Math.min(this.#now(), poll.startedAt + poll.timeoutMs);
    settle();
  }

  #accept(response: GetLatestConfigurationResponse): void {
    this.#unusedToken = response.NextPollConfigurationToken;
    this.#intervalMs = (response.NextPollIntervalInSeconds ?? POLL_INTERVAL_SECONDS) * 1000;
    if (this.#isDown) this.#options.log.info('configuration.back', this.#names());
    this.#isDown = false;
    // Empty means unchanged (GetLatestConfiguration). The SDK then returns null, although its types exclude that.
    const text = response.Configuration ? new TextDecoder().decode(response.Configuration) : '';
    if (text === '' || text === this.#lastText) return;
    this.#lastText = text;
    try {
      this.#lastGood = this.#options.parse(text, this.#lastGood, response.VersionLabel);
    } catch (thrown) {
      const reason = (thrown as { message?: unknown } | null | undefined)?.message;
      const fields = { ...this.#names(), version: response.VersionLabel, error: errorName(thrown), reason };
      this.#options.log.warn('configuration.refused', fields);
    }
  }

  #fail(thrown: unknown): void {
    this.#options.onUnavailable?.();
    // With nothing to serve, the next read polls again at once.
    if (this.#lastGood === undefined) this.#checkedAt = undefined;
    const fields = { ...this.#names(), error: errorName(thrown), servesLastGood: this.#lastGood !== undefined };
    if (!this.#isDown) this.#options.log.warn('configuration.unavailable', fields);
    this.#isDown = true;
  }

  #names() {
    return { environmentId: this.#options.environmentId, profileId: this.#options.profileId };
  }
}

/**
 * Fetches the latest configuration, in a new session if there is no token. If AppConfig refuses the token
 * (`BadRequestException`: used, older than 24 h, or polled too early), the call is retried once in a new session.
 */
async function fetchLatest(
  profile: ConfigurationProfile,
  token: string | undefined,
  abortSignal: AbortSignal,
): Promise<GetLatestConfigurationResponse> {
  const get = async (unused: string | undefined) => {
    const ConfigurationToken = unused ?? (await startSession(profile, abortSignal));
    return profile.client.send(new GetLatestConfigurationCommand({ ConfigurationToken }), { abortSignal });
  };
  try {
    return await get(token);
  } catch (thrown) {
    if (errorName(thrown) !== 'BadRequestException') throw thrown;
    return get(undefined);
  }
}

async function startSession(profile: ConfigurationProfile, abortSignal: AbortSignal): Promise<string | undefined> {
  const command = new StartConfigurationSessionCommand({
    ApplicationIdentifier: profile.applicationId,
    EnvironmentIdentifier: profile.environmentId,
    ConfigurationProfileIdentifier: profile.profileId,
    RequiredMinimumPollIntervalInSeconds: POLL_INTERVAL_SECONDS,
  });
  const response = await profile.client.send(command, { abortSignal });
  return response.InitialConfigurationToken;
}
