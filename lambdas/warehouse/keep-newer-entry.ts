import type { ValkeyClient } from '../valkey/client.ts';
import { runScript, scriptOf } from '../valkey/script.ts';
import { type ChangeToken, MAX_TOKEN_DIGITS } from './change-token.ts';

/**
 * Stores an entry unless the one that is there has the same token or a newer one. The same one is kept too: it may be a warmed
 * entry, which lives longer.
 *
 * A script, because the comparison and the write must be one step: between a GET and a SET a warm run may store its entry.
 * Valkey's conditions cannot compare: `SET NX` would keep an outdated entry, and `SET IFEQ` needs Valkey 8.1. WATCH is of a
 * connection, which the commands of a batch share. Only misses run the script, so a hit costs what it cost before.
 *
 * KEYS[1] is the entry; ARGV[1] its new text, ARGV[2] its life in seconds, ARGV[3] its token, empty for none. What readers
 * cannot read is replaced, of any type. Tokens have too many digits for Lua's numbers, so their texts are compared.
 */
const KEEP_NEWER = scriptOf(`
local current = redis.pcall('GET', KEYS[1])
if type(current) == 'string' then
  local token = string.match(current, '^{"s":%d+,"d":"%d%d%d%d%-%d%d%-%d%d","t":"([1-9]%d*)"}$')
    or string.match(current, '^{"none":1,"t":"([1-9]%d*)"}$')
  if token and #token <= ${MAX_TOKEN_DIGITS} then
    local own = ARGV[3]
    if #token > #own or (#token == #own and token >= own) then return 0 end
  end
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
`);

/** @param seconds the entry's life @returns 1 if it was stored, 0 if the other one was kept */
export function storeUnlessNewer(
  client: ValkeyClient,
  key: string,
  text: string,
  seconds: number,
  token: ChangeToken | undefined,
): Promise<unknown> {
  return runScript(client, KEEP_NEWER, key, [text, `${seconds}`, token ?? '']);
}
