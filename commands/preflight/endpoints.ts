import type { Integration } from '../../lambdas/partners/integration.ts';
import { explainCode } from '../integration/explain-response.ts';
import { activeIntegrations, type Check, inBatches, noted, stageFlag } from './check.ts';
import { type Connected, connect, readPartnerRules } from './connect.ts';
import { type Finding, no, unknown, yes } from './finding.ts';

const WHAT = 'endpoints, from here';

/** Automatic renewal replaces a certificate earlier than this. */
const LEAST_CERTIFICATE_DAYS = 14;
const DAY_MS = 86_400_000;

/** Codes that a firewall may cause that allows only the stage's addresses: from here they prove nothing. */
const MAY_BE_FIREWALL =
  /^(TIMEOUT|CLOSED|ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EAI_AGAIN)$/;

/** One address that an integration sends to. */
export interface Endpoint {
  readonly id: string;
  readonly url: string;
  /** Where its tokens come from, instead of where its webhooks go. */
  readonly isTokenServer: boolean;
}

export const endpoints: Check = {
  what: WHAT,
  async run(input) {
    const { stage, nowMs } = input;
    const all = (await activeIntegrations(input)).flatMap(endpointsOf);
    if (all.length === 0) return [];
    const rules = await readPartnerRules(stage);
    // Many integrations of one partner share a host, which is connected to only once.
    const origins = [...new Set(all.map(originOf))];
    const connected = await inBatches(origins, async (origin) => connect(origin, { rules }));
    const byOrigin = new Map(origins.map((origin, index) => [origin, connected[index]]));
    const seen = all.flatMap((endpoint) => {
      const result = byOrigin.get(originOf(endpoint));
      return result === undefined ? [] : [{ endpoint, result }];
    });
    return judgeEndpoints(seen, nowMs, stageFlag(stage), stage.name === 'local');
  },
};

function endpointsOf({ id, url, auth }: Integration): Endpoint[] {
  const tokens = auth.type === 'oauth2_client_credentials' ? [{ id, url: auth.token_url, isTokenServer: true }] : [];
  return [{ id, url, isTokenServer: false }, ...tokens];
}

/** The url without path and query, which are not requested. */
function originOf({ url }: Endpoint): string {
  return new URL(url).origin;
}

/**
 * @param flag the stage's, for commands
 * @param isHere whether the stage sends from this machine, so that no firewall treats it differently
 */
export function judgeEndpoints(
  seen: readonly { readonly endpoint: Endpoint; readonly result: Connected }[],
  nowMs: number,
  flag: string,
  isHere: boolean,
): readonly Finding[] {
  const findings = seen.map(({ endpoint, result }) => judgeOne(endpoint, result, nowMs, { flag, isHere }));
  const faulty = findings.filter(({ verdict }) => verdict !== 'yes');
  if (faulty.length > 0) return faulty;
  const ends = seen.flatMap(({ result }) => (result.kind === 'tls' ? [result.certificateEndsMs] : []));
  const first = ends.length === 0 ? '' : `; the first certificate ends in ${daysTo(Math.min(...ends), nowMs)} days`;
  return [yes(WHAT, `up: ${seen.length} of ${seen.length}${first}`)];
}

function judgeOne(
  { id, url, isTokenServer }: Endpoint,
  result: Connected,
  nowMs: number,
  { flag, isHere }: { readonly flag: string; readonly isHere: boolean },
): Finding {
  const what = `${isTokenServer ? 'token server' : 'endpoint'} of ${id}`;
  const { host } = new URL(url);
  const test = `./ltw send-test --integration ${id} ${flag}`;
  if (result.kind === 'failed') {
    const { code } = result;
    const [means, remedy] = explainCode(code) ?? ['no connection was established', 'ask the partner'];
    const is = `${host}: ${code}, ${means}`;
    if (!isHere && MAY_BE_FIREWALL.test(code)) {
      return unknown(what, `${is}; from here: it may allow the stage’s own addresses only`, test);
    }
    return no(what, is, noted(test, `once this is done: ${remedy}`));
  }
  const days = result.kind === 'tls' ? daysTo(result.certificateEndsMs, nowMs) : Number.POSITIVE_INFINITY;
  if (!(days >= LEAST_CERTIFICATE_DAYS)) {
    return no(
      what,
      `${host}: its certificate ends in ${days} days`,
      noted(test, 'once this is done: the partner must renew it'),
    );
  }
  return yes(what, host);
}

function daysTo(ms: number, nowMs: number): number {
  return Math.floor((ms - nowMs) / DAY_MS);
}
