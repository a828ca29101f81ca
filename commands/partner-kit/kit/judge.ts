import type { Sample } from './samples.ts';
import type { KitResponse } from './send.ts';

/** Statuses that have a meaning of their own, as consequences for a request that should be refused. */
const NO_REFUSAL: Readonly<Record<number, string>> = {
  408: 'the pipeline would retry',
  410: 'the pipeline would stop sending to you',
  425: 'the pipeline would retry',
  429: 'the pipeline would retry, and slow down',
};

/** Why a response is not what a correct receiver responds, in one line; undefined if it is. */
export function faultOf({ expects, hint }: Sample, response: KitResponse): string | undefined {
  const expected = expects === 'accepted' ? '2xx' : '401 (or another 4xx)';
  if ('failure' in response) {
    const what = response.failure === 'TIMEOUT' ? 'no response in time' : `no response (${response.failure})`;
    return `${what}, expected ${expected}: ${hint}`;
  }
  const { status } = response;
  const isAccepted = status >= 200 && status < 300;
  if (isAccepted && expects === 'accepted') return undefined;
  if (status >= 300 && status < 400) return `${status}, expected ${expected}: the pipeline follows no redirect`;
  if (expects === 'accepted' || isAccepted) return `${status}, expected ${expected}: ${hint}`;
  if (status >= 500) return `${status}, expected ${expected}: the pipeline would retry; ${hint}`;
  const consequence = NO_REFUSAL[status];
  return consequence === undefined ? undefined : `${status}, expected ${expected}: ${consequence}`;
}
