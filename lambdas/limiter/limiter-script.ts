import { CERTIFICATE_FAULTS } from '../events/delivery.ts';
import { MAX_RETRY_AFTER_MS } from '../partners/retry-after.ts';
import type { ValkeyClient } from '../valkey/client.ts';
import { runScript, scriptOf } from '../valkey/script.ts';
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
 *   `gone`: why the endpoint is parked until it is repaired (`REPAIRABLE_REASONS`), 0 if it is not. `probe`: until when the
 *   probe in flight may report.
 * - `certificate_1`, `certificate_2`: the last two failures by a certificate, the older one first.
 * - `was_open`: 1 from the epoch after an open circuit breaker until an attempt passes.
 * - `slow_at`, `slow`: the last slow response, and until when the endpoint is slow. `latency`: the smoothed duration of attempts.
 * - `accepted`: attempts sent since `accepted_from` while there is no pace; with a pace, those that passed since then.
 * - `pace`: requests a minute since the partner throttled some; 0 for none. `pace_from`: the end of the `Retry-After` of the
 *   last wave of refusals. `ceiling`: the pace that the wave refused; 0 if there was none before the first wave.
 * - `slot`, `head`, `tail`: the queue of a pace. Position `head` is due at `slot`, the following ones at intervals of the pace,
 *   and `tail` is the next free position.
 * - `forget`: when the state expires.
 *
 * An attempt gets the slot at `next`, by the lower of the limit and, while the endpoint is slow, the rate that keeps the
 * allowed number of attempts in flight (Little's law).
 *
 * With a pace, an attempt gets a position instead: a reserved time would not follow the pace. When its turn is near, and the time
 * `slot` so near that the function can wait for it, it takes that slot; before, it asks again. The pace changes by additive
 * increase and multiplicative decrease (`limiter-settings.ts`), once per wave: the refusals of requests that were sent before
 * `pace_from`. The first wave sets it to what was accepted, which is known when its responses have arrived.
 *
 * An open circuit breaker rejects all attempts but one probe: the first of a call, if it is sent now or after a wait in the
 * function. Every report releases the probe, because it may be the probe's own. A 410 outweighs attempts of the same report
 * that passed, and those outweigh failed ones. A throttled probe shows that a failing endpoint is back; a gone one may have a
 * rate limiter in front of it.
 *
 * KEYS[1] is the record. ARGV[1] is `acquire`, `report` or `slow`; ARGV[2] the time in epoch ms, or empty for the server's
 * clock; ARGV[3] the epoch; the operation's arguments follow, for `acquire` the reserved time and the position (`time/position`)
 * of each request. It returns numbers: slow, wants a report, then verdict, time and position of each request; nothing follows
 * if all are allowed and the limiter has no state. `report` returns the position of the reason in `REPAIRABLE_REASONS` if the
 * report parks the endpoint or leaves it parked, else 0; `gone` as it was before; and 1 if the report closes the circuit
 * breaker, also one that a new epoch has reset.
 */
const SCRIPT = scriptOf(`
local NAMES = {
  'epoch', 'next', 'not_before', 'failures', 'open', 'gone', 'probe', 'slow_at', 'slow', 'latency', 'accepted',
  'accepted_from', 'pace', 'pace_from', 'ceiling', 'slot', 'head', 'tail', 'certificate_1', 'certificate_2', 'was_open', 'forget'
}

local now, epoch = tonumber(ARGV[2]), tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local known = redis.call('HGETALL', KEYS[1])

-- The count of sent attempts and its begin, after a call: over the last ${limits.SAMPLE_MS} to ${2 * limits.SAMPLE_MS} ms.
local function counted(accepted, from, sent)
  local age = now - from
  if age < 0 or age > ${4 * limits.SAMPLE_MS} then return sent, now end
  if age <= ${2 * limits.SAMPLE_MS} then return accepted + sent, from end
  return math.floor(accepted * ${limits.SAMPLE_MS} / age) + sent, now - ${limits.SAMPLE_MS}
end

-- Most integrations have no limit, and nothing but this count.
if ARGV[1] == 'acquire' and ARGV[4] == '' and (#known == 0 or (#known == 4 and known[1] == 'accepted')) then
  local sent = #ARGV - 7
  local from = tonumber(known[4] or 0)
  local accepted, since = counted(tonumber(known[2] or 0), from, sent)
  if since == from then
    redis.call('HINCRBY', KEYS[1], 'accepted', sent)
  else
    redis.call('HSET', KEYS[1], 'accepted', accepted, 'accepted_from', string.format('%.0f', since))
    redis.call('PEXPIRE', KEYS[1], ${limits.MINUTE_MS})
  end
  return {0, 0}
end

local state, before = {}, {}
for i = 1, #known, 2 do before[known[i]] = tonumber(known[i + 1]) end
for _, name in ipairs(NAMES) do state[name] = before[name] or 0 end
local function forget()
  local accepted, from = state.accepted, state.accepted_from
  local isPaced = state.pace > 0
  for _, name in ipairs(NAMES) do state[name] = 0 end
  if not isPaced then state.accepted, state.accepted_from = accepted, from end
end
if now > state.forget then forget() end
if state.epoch ~= epoch then
  local next, wasOpen = state.next, (state.open > 0 or state.was_open > 0) and 1 or 0
  forget()
  state.epoch, state.next, state.was_open = epoch, next, wasOpen
end

local function save()
  state.forget = math.max(now, state.next, state.not_before, state.open, state.probe, state.slow, state.slot) + ${limits.FORGET_MS}
  local fields = {}
  for _, name in ipairs(NAMES) do
    if state[name] ~= (before[name] or 0) then
      fields[#fields + 1] = name
      -- Lua's tostring keeps 14 digits only.
      fields[#fields + 1] = string.format('%.17g', state[name])
    end
  end
  if #fields > 0 then redis.call('HSET', KEYS[1], unpack(fields)) end
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(state.forget - now)))
end

-- A rejection's verdict is FAILING plus the state's gone.
local ALLOW, WAIT, RESERVED, FAILING = 0, 1, 2, 3

local function limitOf(own, timeout, attempts)
  local passing = state.pace > 0 and state.pace or math.huge
  if now < state.slow then
    local latency = state.latency > 0 and state.latency or timeout
    passing = math.min(passing, attempts * ${limits.MINUTE_MS} / latency)
  end
  if passing < (own or math.huge) then return passing, ${limits.MAX_AHEAD_OF_SLOW_MS} end
  return own, ${limits.MAX_AHEAD_MS}
end

local function longestPace(own) return math.min(own or math.huge, ${limits.MAX_PACE}) end

-- Moves the front of the queue to the present. The pace ends when it is as high as it can be, or old, and nothing waits.
local function advance(own, limit)
  if now > state.slot then
    state.head = math.min(state.tail, state.head + (now - state.slot) * limit / ${limits.SPREAD_MS})
    state.slot = now
  end
  local isOver = state.pace >= longestPace(own) or now >= state.pace_from + ${limits.PACE_MS}
  if isOver and state.head == state.tail then
    state.pace, state.ceiling, state.accepted, state.accepted_from = 0, 0, 0, 0
    if own then state.next = math.max(state.next, state.slot) end
  end
end

local function queue(position, limit)
  local interval = ${limits.SPREAD_MS} / limit
  local from = math.max(now, state.not_before)
  state.slot = math.max(state.slot, from)
  if not position or position >= state.tail then
    position = state.tail
    state.tail = position + 1
  end
  local due = state.slot + math.max(0, position - state.head) * interval
  -- Until the end of a wave the pace is not known.
  local isNext = due <= now + ${limits.NEXT_MS} and state.slot <= now + ${limits.MAX_IN_FUNCTION_WAIT_MS}
  if isNext and now >= state.not_before - ${limits.SETTLED_MS} then
    local at = math.ceil(state.slot)
    state.slot = state.slot + interval
    if position >= state.head then state.head = math.min(state.tail, state.head + 1) end
    if at <= now then return ALLOW, 0, position end
    return RESERVED, math.min(at, now + ${limits.MAX_IN_FUNCTION_WAIT_MS}), position
  end
  local isSteady = state.ceiling > 0 and state.pace >= ${limits.DECREASE} * state.ceiling - 1
  local share = isSteady and ${limits.STEADY_SHARE} or ${limits.RECOVERY_SHARE}
  local again = from + math.max(share * (due - from), math.min(due - from, interval / 4))
  if not isSteady then
    again = math.min(again, from + math.max(${limits.RECOVERY_MS}, ${limits.RECOVERY_INTERVALS} * interval))
  end
  again = math.min(again, from + ${limits.MAX_AHEAD_OF_SLOW_MS})
  return WAIT, math.ceil(math.max(again, now + ${limits.MAX_IN_FUNCTION_WAIT_MS} + 1)), position
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
  if state.pace > 0 then
    advance(own, limit)
    if state.pace == 0 then limit, ahead = limitOf(own, timeout, attempts) end
  end
  local isPaced = state.pace > 0
  local open, failed = state.open > 0, state.failures > 0
  local slow = open or now < state.slow
  mayProbe = mayProbe and now >= state.open and now >= state.probe
  local rejected = FAILING + state.gone
  local reply = {slow and 1 or 0, (slow or failed or state.was_open > 0 or isPaced) and 1 or 0}
  local next, probe, sent = state.next, state.probe, 0
  for i = first, #ARGV do
    local verdict, at, position = rejected, 0, 0
    if not open or (mayProbe and i == first) then
      local reserved, held
      if ARGV[i] ~= '' then reserved, held = string.match(ARGV[i], '^(%d*)/?(%d*)$') end
      if isPaced then
        verdict, at, position = queue(tonumber(held), limit)
      else
        verdict, at = place(tonumber(reserved), limit, ahead)
      end
      local isSent = verdict == ALLOW or at <= now + ${limits.MAX_IN_FUNCTION_WAIT_MS}
      if isSent then sent = sent + 1 end
      if open and isSent then state.probe = now + ${limits.PROBE_LEASE_MS} end
    end
    reply[#reply + 1] = verdict
    reply[#reply + 1] = at
    reply[#reply + 1] = position
  end
  if not isPaced and sent > 0 then
    state.accepted, state.accepted_from = counted(state.accepted, state.accepted_from, sent)
  end
  if isPaced or (before.pace or 0) > 0 or state.next ~= next or state.probe ~= probe then
    save()
  elseif sent > 0 then
    redis.call('HSET', KEYS[1], 'accepted', state.accepted, 'accepted_from', string.format('%.0f', state.accepted_from))
    if #known == 0 then redis.call('PEXPIRE', KEYS[1], ${limits.MINUTE_MS}) end
  end
  return reply
end

-- Attempts a minute that the partner accepted, from the beginning of the count until the end of the wait.
local function acceptedRate()
  return math.max(0, state.accepted) * ${limits.MINUTE_MS} / math.max(1, state.not_before - state.accepted_from)
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

local function grow(own, passed)
  local knee = ${limits.DECREASE} * state.ceiling
  for _ = 1, passed do
    if state.ceiling == 0 then state.pace = state.pace + ${limits.FIRST_INCREASE}
    elseif state.pace < knee then state.pace = math.min(knee, state.pace * ${limits.RECOVERY})
    elseif state.pace < state.ceiling then state.pace = state.pace + ${limits.INCREASE}
    else state.pace = state.pace + ${limits.FAST_INCREASE} end
  end
  state.pace = math.min(state.pace, longestPace(own))
end

local function decrease(own, sentAt)
  local refused = math.min(state.pace, own or math.huge)
  if state.accepted > 0 then
    -- Right after a wait, the partner's window may have been used by requests that were sent during the wait.
    if state.ceiling == 0 or sentAt >= state.pace_from + ${limits.RESTART_MS} then state.ceiling = refused end
    return math.min(refused * ${limits.DECREASE}, acceptedRate())
  end
  -- The next request is a whole interval after the last one.
  local lower = math.max(${limits.MIN_PACE}, math.min(refused / 2, ${limits.PROBE_PACE}))
  state.slot = state.slot + ${limits.SPREAD_MS} / lower - ${limits.SPREAD_MS} / refused
  return lower
end

local function adapt(own, passed, failed, throttled, sentAt)
  local isNew = state.pace == 0 or sentAt >= state.pace_from
  local isFirst = state.pace == 0 or (not isNew and state.accepted_from < state.pace_from)
  if not isFirst then
    if isNew and state.accepted_from < state.pace_from then state.accepted, state.accepted_from = 0, state.pace_from end
    state.accepted = state.accepted + passed
  end
  if throttled == 0 then
    if isNew and state.pace > 0 then grow(own, passed) end
    return
  end
  if isFirst then
    if state.pace == 0 then state.head, state.tail, state.slot, state.ceiling = now, now, now, 0 end
    state.accepted = state.accepted - throttled - failed
    local rate = acceptedRate()
    state.pace = rate > 0 and rate or ${limits.PROBE_PACE}
  elseif isNew then
    advance(own, math.min(state.pace, own or math.huge))
    state.pace = decrease(own, sentAt)
    state.accepted = 0
  end
  state.pace = math.max(${limits.MIN_PACE}, math.min(state.pace, ${limits.DECREASE} * longestPace(own)))
  state.pace_from = state.not_before
  state.slot = math.max(state.slot, state.not_before)
  if not isFirst then state.accepted_from = state.not_before end
end

local function report(own, passed, failed, gone, retryAfter, took, throttled, certificate, failures, sentAgo)
  local open, before, hasResumed = state.open > 0, state.gone, false
  local reason = reasonToPark(gone, passed, certificate, failures)
  state.probe = 0
  if took > 0 then
    local latency = state.latency > 0 and state.latency or took
    state.latency = latency + ${limits.LATENCY_WEIGHT} * (took - latency)
  end
  if retryAfter > 0 then
    state.not_before = math.max(state.not_before, now + math.min(math.ceil(retryAfter), ${MAX_RETRY_AFTER_MS}))
  end
  adapt(own, passed, failed, throttled, now - sentAgo)
  if reason > 0 then
    state.gone = reason
    state.open = math.max(state.open, now + ${limits.GONE_MS})
  elseif passed > 0 or (open and state.gone == 0 and throttled > 0 and failed == 0) then
    hasResumed = open or state.was_open > 0
    state.failures, state.open, state.gone, state.was_open = 0, 0, 0, 0
    if open then state.slow_at, state.slow = 0, 0 end
  else
    state.failures = state.failures + failed
    if failed > 0 and (open or state.failures >= ${limits.FAILURES_TO_OPEN}) then
      state.open = math.max(state.open, now + ${limits.OPEN_MS})
    end
  end
  save()
  return {reason, before, hasResumed and 1 or 0}
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
    number(4), number(5), number(6), ARGV[7] == '1', number(8), number(9), number(10), number(11), number(12), number(13)
  )
end
return slow()
`);

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
const REPAIRABLE_REASONS = ['gone', ...CERTIFICATE_FAULTS] as const;

/** One call of the script. */
export type LimiterCommand = readonly [operation: 'acquire' | 'report' | 'slow', epoch: string, ...args: string[]];

export function acquireCommand(
  integration: LimitedIntegration,
  { requests, mayProbe, slowAttempts }: AcquireRequest,
): LimiterCommand {
  const settings = [textOf(integration.max_requests_per_minute), `${integration.timeout_seconds * 1000}`];
  const reservations = requests.map(({ reservedForMs, position }) =>
    position === undefined ? textOf(reservedForMs) : `${textOf(reservedForMs)}/${position}`,
  );
  return ['acquire', `${epochOf(integration)}`, ...settings, mayProbe ? '1' : '0', `${slowAttempts}`, ...reservations];
}

export function reportCommand(integration: LimitedIntegration, report: LimiterReport): LimiterCommand {
  const { passed, failed, isGone, retryAfterMs, tookMs, throttled, certificate, sentAgoMs } = report;
  const reason = certificate === undefined ? 0 : REPAIRABLE_REASONS.indexOf(certificate.fault) + 1;
  const failures = certificate?.failures ?? 0;
  const numbers = [passed, failed, isGone ? 1 : 0, retryAfterMs, tookMs, throttled, reason, failures, sentAgoMs].map(
    String,
  );
  return ['report', `${epochOf(integration)}`, textOf(integration.max_requests_per_minute), ...numbers];
}

export function slowCommand(integration: LimitedIntegration): LimiterCommand {
  return ['slow', `${epochOf(integration)}`];
}

function textOf(value: number | undefined): string {
  return value === undefined ? '' : `${value}`;
}

/**
 * Runs the script on the record of an integration.
 *
 * @param nowMs for tests; by default the server's clock, so that all functions use the same one
 */
export function runLimiterScript(
  client: ValkeyClient,
  key: string,
  [operation, ...args]: LimiterCommand,
  nowMs?: number,
): Promise<unknown> {
  return runScript(client, SCRIPT, key, [operation, textOf(nowMs), ...args]);
}

/** @returns the parsed reply to `acquireCommand` for that number of requests; undefined if it has another shape */
export function readLimiterReply(reply: unknown, requests: number): LimiterResponse | undefined {
  if (!Array.isArray(reply)) return undefined;
  const [isSlow, wantsReport, ...rest] = reply.map(Number);
  if (reply.length !== 2 && rest.length !== 3 * requests) return undefined;
  const decisions = Array.from({ length: requests }, (_, index) =>
    rest.length === 0 ? ALLOWED : decision(rest[3 * index], rest[3 * index + 1], rest[3 * index + 2]),
  );
  return { decisions, isSlow: isSlow === 1, wantsReport: wantsReport === 1 };
}

const ALLOWED: LimiterDecision = { verdict: 'allow' };

function decision(verdict: number | undefined, atMs = 0, position = 0): LimiterDecision {
  const queued = position > 0 ? { position } : {};
  if (verdict === 0) return { verdict: 'allow', ...queued };
  if (verdict === 1 || verdict === 2) return { verdict: 'wait', atMs, isReserved: verdict === 2, ...queued };
  return { verdict: 'reject', reason: REPAIRABLE_REASONS[(verdict ?? 0) - 4] ?? 'failing' };
}

/** @returns the parsed reply to `reportCommand`: see `Limiter.report` */
export function readReportReply(reply: unknown): Parked | 'resumed' | undefined {
  const [position, before, hasResumed] = Array.isArray(reply) ? reply.map(Number) : [];
  if (hasResumed === 1) return 'resumed';
  const reason = REPAIRABLE_REASONS[(position ?? 0) - 1];
  return reason === undefined ? undefined : { reason, isNew: position !== before };
}
