import type { Expectation, Sample } from './samples.ts';
import type { KitResponse } from './send.ts';

/** What a correct receiver responds. */
export const EXPECTED: Readonly<Record<Expectation, string>> = {
  accepted: '2xx',
  refused: '401 or another 4xx',
};

/** Statuses with which the pipeline does something else than to give up, as it should with a refused request. */
const NO_REFUSAL: Readonly<Record<number, string>> = {
  408: 'the pipeline would retry',
  410: 'the pipeline would stop sending to you',
  425: 'the pipeline would retry',
  429: 'the pipeline would slow down and retry',
};

/** Why a response is not what a correct receiver responds, in one sentence without its end; undefined if it is. */
export function faultOf({ expects, hint }: Sample, response: KitResponse): string | undefined {
  if ('failure' in response) return hint;
  const { status } = response;
  const isAccepted = status >= 200 && status < 300;
  if (isAccepted && expects === 'accepted') return undefined;
  if (status >= 300 && status < 400) return 'the pipeline follows no redirect: give us the address that it leads to';
  if (isAccepted || expects === 'accepted') return hint;
  if (status >= 500) return `the pipeline would retry; ${hint}`;
  return NO_REFUSAL[status];
}
