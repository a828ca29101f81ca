import { createHash } from 'node:crypto';
import { CERTIFICATE_FAULTS } from '../events/delivery.ts';
import { MAX_RETRY_AFTER_MS } from '../partners/retry-after.ts';
import type { ValkeyClient } from '../valkey/client.ts';
import type {
  LimitedIntegration,
  LimiterDecision,
  LimiterReport,
  LimiterResponse,
  Parked,
  SlotRequest,
} from './limiter.ts';
import { epochOf } from './limiter-record.ts';
import * as limits from './limiter-settings.ts';

/**
 * The rules of the limiter, which run in Valkey because all functions share its state: the hash at one key. Its times are
 * epoch milliseconds, 0 for never:
 *
 * - `epoch`: the address and resumption that the state is of. In a new epoch only `next` still applies.
 * - `next`: the next free slot. Not a whole number: an interval rounded up to 2 ms would cost 60,000 a minute half its rate.
 * - `not_before`: the end of the last `Retry-After`.
 * - `failures`: in a row. `open`: 0 while the circuit breaker is closed, else the time from which it allows one probe.
 *   `gone`: why the endpoint is parked until it is repaired (`PARKED_REASONS`), 0 if it is not. `probe`: until when the probe in flight may report.
 * - `certificate_1`, `certificate_2`: the last two failures by a certificate, the older one first.
 * - `slow_at`, `slow`: the last slow response, and until when the endpoint is slow. `latency`: the smoothed duration of attempts.
 * - `pace`: requests a minute after the partner throttled some; 0 for none. `pace_from`: the end of that `Retry-After`.
 * - `forget`: when the state expires.
 *
 * An attempt gets the slot at `next`, by the lowest of limit, pace, and, while the endpoint is slow, the rate that keeps the
 * allowed number of attempts in flight (Little's law). An open circuit breaker rejects all attempts but one probe: the first of
 * a call, if it is sent now or after a wait in the function. Every report releases the probe, because it may be the probe's
 * own. A 410 outweighs attempts of the same report that passed, and those outweigh failed ones. A throttled probe shows that
 * a failing endpoint is back; a gone one may have a rate limiter in front of it. Responses before the end of a `Retry-After`
 * do not change the pace, because their requests were sent before it.
 *
 * KEYS[1] is the record. ARGV[1] is `acquire`, `report` or `slow`; ARGV[2] the time in epoch ms, or empty for the server's
 * clock; ARGV[3] the epoch; the operation's arguments follow. `acquire` returns numbers: slow, wants a report, then verdict
 * and time of each request. `report` returns the position of the reason in `PARKED_REASONS` if the report parks the endpoint or
 * leaves it parked, else 0, and `gone` as it was before.
 */
const SCRIPT = `
local NAMES = {
  'epoch', 'next', 'not_before', 'failures', 'open', 'gone', 'probe', 'slow_at', 'slow', 'latency', 'pace',
  'pace_from', 'certificate_1', 'certificate_2', 'forget'
}

local now, epoch = tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local state = {}
local known = redis.call('HMGET', KEYS[1], unpack(NAMES))
for i, name in ipairs(NAMES) do state[name] = tonumber(known[i] or 0) or 0 end
local function forget()
  for _, name in ipairs(NAMES) do state[name] = 0 end
end
if now > state.forget then forget() end
if state.epoch ~= epoch then
  local next = state.next
  forget()
  state.epoch, state.next = epoch, next
end

local function save()
  state.forget = math.max(now, state.next, state.not_before, state.open, state.probe, state.slow) + ${limits.FORGET_MS}
  local fields = {}
  for _, name in ipairs(NAMES) do
    fields[#fields + 1] = name
    -- Lua's tostring keeps 14 digits only.
    fields[#fields + 1] = string.format('%.17g', state[name])
  end
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(state.forget - now)))
end

-- A rejection's verdict is FAILING plus the state's gone.
local ALLOW, WAIT, RESERVED, FAILING = 0, 1, 2, 3

local function paceOf()
  if state.pace == 0 or now >= state.pace_from + ${limits.PACE_MS} then return math.huge end
  return state.pace
end

local function limitOf(own, timeout, attempts)
  local passing = paceOf()
  if now < state.slow then
    local latency = state.latency > 0 and state.latency or timeout
    passing = math.min(passing, attempts * ${limits.MINUTE_MS} / latency)
  end
  if passing < (own or math.huge) then return passing, ${limits.MAX_AHEAD_OF_SLOW_MS} end
  return own, ${limits.MAX_AHEAD_MS}
end

local function place(reserved, limit, ahead)
  if not limit then
    if state.not_before > now then return WAIT, state.not_before end
    return ALLOW, 0
  end
  if reserved and now <= reserved + ${limits.LAPSE_MS} and reserved <= now + ${limits.MAX_AHEAD_MS}
    and state.not_before <= math.max(now, reserved) then
    if reserved > now then return RESERVED, reserved end
    return ALLOW, 0
  end
  local free = math.max(now, state.next, state.not_before)
  local at = math.ceil(free)
  if at > now + ahead then return WAIT, math.max(state.not_before, now + math.min(${limits.ASK_AGAIN_MS}, ahead)) end
  state.next = free + ${limits.SPREAD_MS} / limit
  if at > now then return RESERVED, at end
  return ALLOW, 0
end

local function acquire(own, timeout, mayProbe, attempts, first)
  local limit, ahead = limitOf(own, timeout, attempts)
  local open, failed = state.open > 0, state.failures > 0
  local slow = open or now < state.slow
  mayProbe = mayProbe and now >= state.open and now >= state.probe
  local rejected = FAILING + state.gone
  local reply = {slow and 1 or 0, (slow or failed or paceOf() < math.huge) and 1 or 0}
  local next, probe = state.next, state.probe
  for i = first, #ARGV do
    local verdict, at = rejected, 0
    if not open or (mayProbe and i == first) then
      verdict, at = place(tonumber(ARGV[i]), limit, ahead)
      local isSent = verdict == ALLOW or at <= now + ${limits.MAX_IN_FUNCTION_WAIT_MS}
      if open and isSent then state.probe = now + ${limits.PROBE_LEASE_MS} end
    end
    reply[#reply + 1] = verdict
    reply[#reply + 1] = at
  end
  if state.next ~= next or state.probe ~= probe then save() end
  return reply
end

local function pace(own, passed, throttled)
  local current = paceOf()
  local beforeRetry = now < state.pace_from
  if throttled then
    if not beforeRetry then
      local refused = math.min(current, own or math.huge)
      state.pace = refused < math.huge and math.max(${limits.MIN_PACE}, refused / 2) or ${limits.FIRST_PACE}
    end
    state.pace_from = state.not_before
  elseif not beforeRetry and current < math.huge then
    local grown = current + passed
    state.pace = grown < (own or ${limits.MAX_PACE}) and grown or 0
  end
end

local function isThirdOfCertificate(failures)
  local isThird = false
  for _ = 1, math.min(failures, ${limits.CERTIFICATE_FAILURES}) do
    local first = state.certificate_1
    isThird = isThird or (first > 0 and now <= first + ${limits.CERTIFICATE_WINDOW_MS})
    state.certificate_1, state.certificate_2 = state.certificate_2, now
  end
  return isThird
end

-- The reason to park the endpoint until it is repaired; 0 for none.
local function reasonToPark(gone, passed, certificate, failures)
  if gone then return 1 end
  if passed > 0 then state.certificate_1, state.certificate_2 = 0, 0 end
  if passed > 0 or failures == 0 then return 0 end
  return (isThirdOfCertificate(failures) or state.gone > 0) and certificate or 0
end

local function report(own, passed, failed, gone, retryAfter, took, throttled, certificate, failures)
  local open, before = state.open > 0, state.gone
  local reason = reasonToPark(gone, passed, certificate, failures)
  state.probe = 0
  if took > 0 then
    local latency = state.latency > 0 and state.latency or took
    state.latency = latency + ${limits.LATENCY_WEIGHT} * (took - latency)
  end
  if retryAfter > 0 then
    state.not_before = math.max(state.not_before, now + math.min(math.ceil(retryAfter), ${MAX_RETRY_AFTER_MS}))
  end
  pace(own, passed, throttled)
  if reason > 0 then
    state.gone = reason
    state.open = math.max(state.open, now + ${limits.GONE_MS})
  elseif passed > 0 or (open and state.gone == 0 and throttled and failed == 0) then
    state.failures, state.open, state.gone = 0, 0, 0
    if open then state.slow_at, state.slow = 0, 0 end
  else
    state.failures = state.failures + failed
    if failed > 0 and (open or state.failures >= ${limits.FAILURES_TO_OPEN}) then
      state.open = math.max(state.open, now + ${limits.OPEN_MS})
    end
  end
  save()
  return {reason, before}
end

local function slow()
  local was = now < state.slow
  if not was then state.latency = 0 end
  if was or now <= state.slow_at + ${limits.SLOW_PAIR_MS} then state.slow = now + ${limits.SLOW_MS} end
  state.slow_at = now
  save()
end

local function number(i) return tonumber(ARGV[i]) end
if ARGV[1] == 'acquire' then return acquire(number(4), number(5), ARGV[6] == '1', number(7), 8) end
if ARGV[1] == 'report' then
  return report(
    number(4), number(5), number(6), ARGV[7] == '1', number(8), number(9), ARGV[10] == '1', number(11), number(12)
  )
end
return slow()
`;

const SCRIPT_HASH = createHash('sha1').update(SCRIPT).digest('hex');

/** Attempts at one integration that ask for slots in one call. */
export interface AcquireRequest {
  readonly requests: readonly SlotRequest[];
  /** Whether the first attempt may be the probe of an open circuit breaker. */
  readonly mayProbe: boolean;
  /**
   * Largest number of attempts that a slow endpoint may have in flight, 1 or more. It is a share of DeliverTask's
   * concurrency, so that one slow partner does not take all of it.
   */
  readonly slowAttempts: number;
}

/** Why an endpoint is parked until it is repaired. The script has their positions, counted from 1. */
const PARKED_REASONS = ['gone', ...CERTIFICATE_FAULTS] as const;

/** One call of the script. */
export type LimiterCommand = readonly [operation: 'acquire' | 'report' | 'slow', epoch: string, ...args: string[]];

export function acquireCommand(
  integration: LimitedIntegration,
  { requests, mayProbe, slowAttempts }: AcquireRequest,
): LimiterCommand {
  const settings = [textOf(integration.max_requests_per_minute), `${integration.timeout_seconds * 1000}`];
  const reservations = requests.map(({ reservedForMs }) => textOf(reservedForMs));
  return ['acquire', `${epochOf(integration)}`, ...settings, mayProbe ? '1' : '0', `${slowAttempts}`, ...reservations];
}

export function reportCommand(integration: LimitedIntegration, report: LimiterReport): LimiterCommand {
  const { passed, failed, isGone, retryAfterMs, tookMs, isThrottled, certificate } = report;
  const numbers = [
    `${passed}`,
    `${failed}`,
    isGone ? '1' : '0',
    `${retryAfterMs}`,
    `${tookMs}`,
    isThrottled ? '1' : '0',
    `${certificate === undefined ? 0 : PARKED_REASONS.indexOf(certificate.fault) + 1}`,
    `${certificate?.failures ?? 0}`,
  ];
  return ['report', `${epochOf(integration)}`, textOf(integration.max_requests_per_minute), ...numbers];
}

export function slowCommand(integration: LimitedIntegration): LimiterCommand {
  return ['slow', `${epochOf(integration)}`];
}

function textOf(value: number | undefined): string {
  return value === undefined ? '' : `${value}`;
}

/**
 * Runs the script on one key: one round trip, and a second one if the server has not cached the script yet.
 *
 * @param nowMs for tests; by default the server's clock, so that all functions use the same one
 */
export async function runLimiterScript(
  client: ValkeyClient,
  key: string,
  [operation, ...args]: LimiterCommand,
  nowMs?: number,
): Promise<unknown> {
  const scriptArgs = [operation, textOf(nowMs), ...args];
  try {
    return await client.evalsha(SCRIPT_HASH, 1, key, ...scriptArgs);
  } catch (thrown) {
    if (!String((thrown as { message?: unknown }).message).startsWith('NOSCRIPT')) throw thrown;
    return client.eval(SCRIPT, 1, key, ...scriptArgs);
  }
}

/** @returns the parsed reply to `acquireCommand` for that number of requests; undefined if it has another shape */
export function readLimiterReply(reply: unknown, requests: number): LimiterResponse | undefined {
  if (!Array.isArray(reply) || reply.length !== 2 + 2 * requests) return undefined;
  const [isSlow, wantsReport, ...rest] = reply.map(Number);
  const decisions = Array.from({ length: requests }, (_, index) => decision(rest[2 * index], rest[2 * index + 1]));
  return { decisions, isSlow: isSlow === 1, wantsReport: wantsReport === 1 };
}

function decision(verdict: number | undefined, atMs = 0): LimiterDecision {
  if (verdict === 0) return { verdict: 'allow' };
  if (verdict === 1 || verdict === 2) return { verdict: 'wait', atMs, isReserved: verdict === 2 };
  return { verdict: 'reject', reason: PARKED_REASONS[(verdict ?? 0) - 4] ?? 'failing' };
}

/** @returns the parsed reply to `reportCommand`; undefined if the report is no reason to park the integration */
export function readReportReply(reply: unknown): Parked | undefined {
  const [position, before] = Array.isArray(reply) ? reply.map(Number) : [];
  const reason = PARKED_REASONS[(position ?? 0) - 1];
  return reason === undefined ? undefined : { reason, isNew: position !== before };
}
