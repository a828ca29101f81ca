import { createHash } from 'node:crypto';
import type { Admission, GateAnswer, GateReport } from '../../contract/delivery-ports.ts';
import type { AdmitRequest } from '../../domain/gate.ts';
import * as limits from '../../domain/gate-limits.ts';
import type { ValkeyClient } from './client.ts';

/**
 * The rules of `domain/gate.ts` in Lua, to be run where all functions meet: on one key, whose hash is the state.
 *
 * KEYS[1] the record; ARGV[1] `admit`, `report` or `slow`; ARGV[2] the time in epoch ms, or nothing for the server's own
 * clock; then what it is about. `admit` answers numbers: slow, wants a report, then verdict and time of each ticket.
 */
const SCRIPT = `
local NAMES = {'next', 'hold', 'failures', 'open', 'gone', 'probe', 'slow_at', 'slow', 'forget'}

local now = tonumber(ARGV[2])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local state = {}
local known = redis.call('HMGET', KEYS[1], unpack(NAMES))
for i, name in ipairs(NAMES) do state[name] = tonumber(known[i] or 0) or 0 end
if now > state.forget then
  for _, name in ipairs(NAMES) do state[name] = 0 end
end

local function save()
  state.forget = math.max(now, state.next, state.hold, state.open, state.probe, state.slow) + ${limits.FORGET_MS}
  local fields = {}
  for _, name in ipairs(NAMES) do
    fields[#fields + 1] = name
    -- Lua's own way to write a number keeps 14 digits.
    fields[#fields + 1] = string.format('%.17g', state[name])
  end
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(state.forget - now)))
end

local NOW, LATER, RESERVED, FAILING, GONE = 0, 1, 2, 3, 4

local function place(reserved, limit)
  if not limit then
    if state.hold > now then return LATER, state.hold end
    return NOW, 0
  end
  if reserved and now <= reserved + ${limits.LAPSE_MS} and reserved <= now + ${limits.MAX_AHEAD_MS}
    and state.hold <= math.max(now, reserved) then
    if reserved > now then return RESERVED, reserved end
    return NOW, 0
  end
  local free = math.max(now, state.next, state.hold)
  local at = math.ceil(free)
  if at > now + ${limits.MAX_AHEAD_MS} then return LATER, now + ${limits.ASK_AGAIN_MS} end
  state.next = free + ${limits.SPREAD_MS} / limit
  if at > now then return RESERVED, at end
  return NOW, 0
end

local function admit(limit, mayProbe, first)
  local open, reported = state.open > 0, state.failures > 0
  mayProbe = mayProbe and now >= state.open and now >= state.probe
  local parked = state.gone > 0 and GONE or FAILING
  local reply = {(open or now < state.slow) and 1 or 0, (open or reported) and 1 or 0}
  local next, probe = state.next, state.probe
  for i = first, #ARGV do
    local verdict, at = parked, 0
    if not open or (mayProbe and i == first) then
      verdict, at = place(tonumber(ARGV[i]), limit)
      if open and verdict == NOW then state.probe = now + ${limits.PROBE_LEASE_MS} end
    end
    reply[#reply + 1] = verdict
    reply[#reply + 1] = at
  end
  if state.next ~= next or state.probe ~= probe then save() end
  return reply
end

local function report(passed, failed, gone, hold)
  local open = state.open > 0
  state.probe = 0
  if hold > 0 then state.hold = math.max(state.hold, now + math.min(math.ceil(hold), ${limits.MAX_HOLD_MS})) end
  if gone then
    state.gone = 1
    state.open = math.max(state.open, now + ${limits.GONE_MS})
  elseif passed > 0 then
    state.failures, state.open, state.gone = 0, 0, 0
    if open then state.slow_at, state.slow = 0, 0 end
  else
    state.failures = state.failures + failed
    if failed > 0 and (open or state.failures >= ${limits.FAILURES_TO_OPEN}) then
      state.open = math.max(state.open, now + ${limits.OPEN_MS})
    end
  end
  save()
end

local function slow()
  if now <= state.slow_at + ${limits.SLOW_PAIR_MS} or now < state.slow then state.slow = now + ${limits.SLOW_MS} end
  state.slow_at = now
  save()
end

if ARGV[1] == 'admit' then return admit(tonumber(ARGV[3]), ARGV[4] == '1', 5) end
if ARGV[1] == 'report' then return report(tonumber(ARGV[3]), tonumber(ARGV[4]), ARGV[5] == '1', tonumber(ARGV[6])) end
return slow()
`;

const SCRIPT_HASH = createHash('sha1').update(SCRIPT).digest('hex');

/** What the script is asked: its operation and what that is about. */
export type GateQuestion = readonly [operation: 'admit' | 'report' | 'slow', ...about: string[]];

export function admitQuestion({ maxPerMinute, tickets, mayProbe }: AdmitRequest): GateQuestion {
  const reservations = tickets.map(({ reservedForMs }) => textOf(reservedForMs));
  return ['admit', textOf(maxPerMinute), mayProbe ? '1' : '0', ...reservations];
}

export function reportQuestion({ passed, failed, isGone, holdMs }: GateReport): GateQuestion {
  return ['report', `${passed}`, `${failed}`, isGone ? '1' : '0', `${holdMs}`];
}

function textOf(value: number | undefined): string {
  return value === undefined ? '' : `${value}`;
}

/**
 * Runs the script on one key: one round trip, and one more where the server does not know the script yet.
 *
 * @param nowMs for tests; otherwise the server's clock, so that all functions go by the same one
 */
export async function askGate(
  client: ValkeyClient,
  key: string,
  [operation, ...about]: GateQuestion,
  nowMs?: number,
): Promise<unknown> {
  const words = [operation, textOf(nowMs), ...about];
  try {
    return await client.evalsha(SCRIPT_HASH, 1, key, ...words);
  } catch (thrown) {
    if (!String((thrown as { message?: unknown }).message).startsWith('NOSCRIPT')) throw thrown;
    return client.eval(SCRIPT, 1, key, ...words);
  }
}

/** What the script answered to `admitQuestion` for so many tickets; undefined where that is no such answer. */
export function gateAnswer(reply: unknown, tickets: number): GateAnswer | undefined {
  if (!Array.isArray(reply) || reply.length !== 2 + 2 * tickets) return undefined;
  const [isSlow, wantsReport, ...rest] = reply.map(Number);
  const admissions = Array.from({ length: tickets }, (_, index) => admission(rest[2 * index], rest[2 * index + 1]));
  return { admissions, isSlow: isSlow === 1, wantsReport: wantsReport === 1 };
}

function admission(verdict: number | undefined, atMs = 0): Admission {
  if (verdict === 0) return { verdict: 'now' };
  if (verdict === 1 || verdict === 2) return { verdict: 'later', atMs, isReserved: verdict === 2 };
  return { verdict: 'parked', reason: verdict === 4 ? 'gone' : 'failing' };
}
