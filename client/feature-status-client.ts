/** What the status API says of one feature: `docs/status-api/openapi.json`, FeatureState. */
export interface FeatureState {
  /** Of the enterprise; in a general answer, whether the feature is on for anybody. */
  readonly enabled: boolean;
  /** True where the state is one enterprise's, false where it is the general one. */
  readonly user_specific: boolean;
  /** Share of enterprises with the feature on, in whole percent; null while its flag is off. */
  readonly rollout_percentage: number | null;
  readonly description: string;
  readonly reason: 'off' | 'pilot' | 'within_percentage' | 'beyond_percentage';
}

export type Features = Readonly<Record<string, FeatureState>>;

/** Whose features are asked for. An enterprise has a state of its own; a user alone, or nobody, gets the general one. */
export interface Whom {
  readonly enterpriseCustomerUuid?: string;
  readonly userId?: string;
}

/** Every error of the client. No message holds a token, an id or an address. */
export abstract class FeatureStatusError extends Error {
  /** Sooner than that it need not be asked again, in milliseconds; absent where the API does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {}) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** No answer came: the network, a time limit, or no token. */
export class StatusUnavailable extends FeatureStatusError {
  override readonly name = 'StatusUnavailable';
}

/** The API said no: 400, 401, 403, 404, 503 and so on. */
export class StatusRefused extends FeatureStatusError {
  override readonly name = 'StatusRefused';
  readonly status: number;

  constructor(status: number, reason: string, retryAfterMs: number | undefined) {
    super(`the status API answers ${status}${reason === '' ? '' : `: ${reason}`}`, { retryAfterMs });
    this.status = status;
  }
}

/** The API answered something else than a state of features. */
export class StatusUnreadable extends FeatureStatusError {
  override readonly name = 'StatusUnreadable';
}

export interface FeatureStatusClient {
  /** The state of all features. @throws FeatureStatusError; whatever `signal` is aborted with */
  features(whom: Whom, signal?: AbortSignal): Promise<Features>;
  /** The state of one. @throws FeatureStatusError, which is StatusRefused with 404 for an unknown feature */
  feature(name: string, whom: Whom, signal?: AbortSignal): Promise<FeatureState>;
}

export interface FeatureStatusClientOptions {
  /** The stack's output `StatusApiUrl`. */
  readonly baseUrl: string;
  /** Asked for each request, so that an expired one is never sent. */
  readonly getToken: () => string | Promise<string>;
  /** For token and answer together, in milliseconds. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
}

/** Longer answers are none of the API's, in characters. */
const MAX_ANSWER_CHARACTERS = 64 * 1024;

const REASONS: readonly unknown[] = ['off', 'pilot', 'within_percentage', 'beyond_percentage'];

/** A client without dependencies: answers are checked by hand, since a schema library would be most of what a page loads. */
export function createFeatureStatusClient(options: FeatureStatusClientOptions): FeatureStatusClient {
  const { getToken, timeoutMs = 5_000, fetch = globalThis.fetch } = options;
  const base = `${options.baseUrl.replace(/\/+$/, '')}/api/v1/features/status`;

  async function ask(path: string, whom: Whom, signal: AbortSignal | undefined): Promise<unknown> {
    const limit = AbortSignal.timeout(timeoutMs);
    const either = signal === undefined ? limit : AbortSignal.any([signal, limit]);
    try {
      const token = await orAborted(Promise.resolve().then(getToken), either);
      const response = await fetch(`${base}${path}${queryOf(whom)}`, {
        headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
        signal: either,
      });
      const answer = parse(await readText(response));
      if (response.ok) return answer;
      throw new StatusRefused(response.status, reasonIn(answer), retryAfterMs(response.headers.get('retry-after')));
    } catch (thrown) {
      if (signal?.aborted) throw signal.reason;
      if (thrown instanceof FeatureStatusError) throw thrown;
      // Its message may hold the address, and with it whom was asked for.
      const why = limit.aborted ? `does not answer within ${timeoutMs} ms` : 'cannot be reached';
      throw new StatusUnavailable(`the status API ${why}`);
    }
  }

  return {
    async features(whom, signal) {
      const answer = await ask('', whom, signal);
      const features = isFields(answer) ? answer.features : undefined;
      if (isFields(features) && Object.values(features).every(isFeatureState)) return features as Features;
      throw new StatusUnreadable('the status API answers something else than features');
    },
    async feature(name, whom, signal) {
      const answer = await ask(`/${encodeURIComponent(name)}`, whom, signal);
      if (isFeatureState(answer)) return answer;
      throw new StatusUnreadable('the status API answers something else than a feature');
    },
  };
}

function queryOf({ enterpriseCustomerUuid, userId }: Whom): string {
  const query = new URLSearchParams();
  if (enterpriseCustomerUuid !== undefined) query.set('enterprise_customer_uuid', enterpriseCustomerUuid);
  if (userId !== undefined) query.set('user_id', userId);
  return query.size === 0 ? '' : `?${query}`;
}

/** A token may take for ever. */
function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort));
  });
}

async function readText({ body }: Response): Promise<string> {
  if (body === null) return '';
  const decoder = new TextDecoder();
  const reader = body.getReader();
  let text = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
    if (text.length <= MAX_ANSWER_CHARACTERS) continue;
    await reader.cancel();
    throw new StatusUnreadable('the status API answers more than it should');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The handler's own words, which repeat nothing of the request; the gateway says `message`. */
function reasonIn(answer: unknown): string {
  if (!isFields(answer)) return '';
  const { detail, message } = answer;
  const reason = isFields(detail) ? detail.error : message;
  return typeof reason === 'string' ? [...reason].slice(0, 200).join('') : '';
}

/** Seconds only: the API sends no dates. */
function retryAfterMs(header: string | null): number | undefined {
  return header !== null && /^\d{1,5}$/.test(header) ? Number(header) * 1000 : undefined;
}

function isFeatureState(value: unknown): value is FeatureState {
  if (!isFields(value)) return false;
  const { enabled, user_specific, rollout_percentage: percentage, description, reason } = value;
  return (
    typeof enabled === 'boolean' &&
    typeof user_specific === 'boolean' &&
    (percentage === null || typeof percentage === 'number') &&
    typeof description === 'string' &&
    REASONS.includes(reason)
  );
}

function isFields(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
