/** One feature in a response of the status API: `docs/status-api/openapi.json`, FeatureState. */
export interface FeatureState {
  /** For the enterprise; without an enterprise, whether the feature is on for any. */
  readonly enabled: boolean;
  /** True where the state is one enterprise's, false where it is the general one. */
  readonly user_specific: boolean;
  /** Share of enterprises with the feature on, in whole percent; null while its flag is off. */
  readonly rollout_percentage: number | null;
  readonly description: string;
  readonly reason: 'off' | 'pilot' | 'within_percentage' | 'beyond_percentage';
}

export type Features = Readonly<Record<string, FeatureState>>;

/** The subject of a request. The state depends on the enterprise; without one it is the general state. */
export interface Whom {
  readonly enterpriseCustomerUuid?: string;
  readonly userId?: string;
}

/** Base class of the client's errors. Messages contain no token, id or address. */
export abstract class FeatureStatusError extends Error {
  /** Minimum wait before the next request, in milliseconds; absent if the API sent none. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, options: ErrorOptions & { readonly retryAfterMs?: number | undefined } = {}) {
    super(message, options);
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** No response: the network, a timeout, or no token. */
export class StatusUnavailable extends FeatureStatusError {
  override readonly name = 'StatusUnavailable';
}

/** An error response: 400, 401, 403, 404, 503 and so on. */
export class StatusRefused extends FeatureStatusError {
  override readonly name = 'StatusRefused';
  readonly status: number;

  constructor(status: number, reason: string, retryAfterMs: number | undefined) {
    super(`the status API responded ${status}${reason === '' ? '' : `: ${reason}`}`, { retryAfterMs });
    this.status = status;
  }
}

/** The response is not a state of features. */
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
  /** Called before each request, so that no expired token is sent. */
  readonly getToken: () => string | Promise<string>;
  /** Timeout for token and response together, in milliseconds. */
  readonly timeoutMs?: number;
  readonly fetch?: typeof globalThis.fetch;
}

/** Maximum length of a response, in characters. */
const MAX_ANSWER_CHARACTERS = 64 * 1024;

const REASONS: readonly unknown[] = ['off', 'pilot', 'within_percentage', 'beyond_percentage'];

/** A client without dependencies. It validates responses by hand, since a schema library would be most of the bundle. */
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
      // Its message may contain the URL, with the ids of the request.
      const why = limit.aborted ? `did not respond within ${timeoutMs} ms` : 'cannot be reached';
      throw new StatusUnavailable(`the status API ${why}`);
    }
  }

  return {
    async features(whom, signal) {
      const answer = await ask('', whom, signal);
      const features = isFields(answer) ? answer.features : undefined;
      if (isFields(features) && Object.values(features).every(isFeatureState)) return features as Features;
      throw new StatusUnreadable('the response of the status API has no features');
    },
    async feature(name, whom, signal) {
      const answer = await ask(`/${encodeURIComponent(name)}`, whom, signal);
      if (isFeatureState(answer)) return answer;
      throw new StatusUnreadable('the response of the status API has no feature');
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
    throw new StatusUnreadable('the response of the status API is too long');
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The handler's error text, which contains nothing of the request; the gateway's is in `message`. */
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
