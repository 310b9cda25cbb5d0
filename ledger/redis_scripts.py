"""The steps of the ledger as Redis runs them: each script is atomic, so instances never see half of a step.

All keys share the hash tag `{pandora}`. To run a step twice changes nothing. The clock of an instance may be
wrong: one that is ahead of that of Redis empties no rolling window, and its messages count as of now in it.

    {pandora}:entry:ID          hash, one conversation
    {pandora}:units:DAY         units of a day of quota
    {pandora}:key-units:DAY     hash, the same by name of the caller's key
    {pandora}:window:ALIAS      sorted set, id by time: messages in the rolling window
    {pandora}:cap:ALIAS:SLUG    until when the backend has capped a model
    {pandora}:unknown:ALIAS     sorted set, id by time: posted and not settled
    {pandora}:day:DAY           hash of sums, each field MODEL, ALIAS and WHAT with separators between;
                                what cost nothing has no MODEL, and an ALIAS for its outcome
    {pandora}:hour:HOUR         the same for an hour
    {pandora}:secret            of the names of keys, in hex
"""

from typing import Final

PREFIX: Final = "{pandora}:"
SEPARATOR: Final = "\x1f"
RECENT_SECONDS: Final = 4 * 86400
"""How long units of a day and sums of an hour are kept; sums of a day and entries have the retention."""
REPEAT_SECONDS: Final = 3600
"""For so long the entry of a conversation that cost nothing remains, without what it held: a step may be
repeated."""

_SUMS: Final = """
local P = '{pandora}:'
local function add(sums, field, by)
  if redis.call('HINCRBY', sums, field, by) == 0 then redis.call('HDEL', sums, field) end
end
local function sum(day, hour, model, alias, what, by)
  if by == 0 then return end
  local field = model .. '\\31' .. alias .. '\\31' .. what
  add(P .. 'day:' .. day, field, by)
  add(P .. 'hour:' .. hour, field, by)
end
"""

POST: Final = (
    _SUMS
    + """
local id, at, alias, model, slug = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local units, windowed, message, forced = tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[9]
local day, hour = ARGV[10], ARGV[11]
local per_day, per_key, messages = tonumber(ARGV[12]), tonumber(ARGV[13]), tonumber(ARGV[14])
local window, retention, short = tonumber(ARGV[15]), tonumber(ARGV[16]), tonumber(ARGV[17])
local entry, in_window, unknown = P .. 'entry:' .. id, P .. 'window:' .. alias, P .. 'unknown:' .. alias
local day_units, key_units = P .. 'units:' .. day, P .. 'key-units:' .. day
local now = tonumber(redis.call('TIME')[1])
redis.call('ZREMRANGEBYSCORE', in_window, '-inf', math.min(at, now) - window)
local latest = math.max(at, now)
for _, early in ipairs(redis.call('ZRANGEBYSCORE', in_window, latest + 300, '+inf')) do
  redis.call('ZADD', in_window, latest, early)
end
local capped = tonumber(redis.call('GET', P .. 'cap:' .. alias .. ':' .. slug) or 0)
local accepted = 1
if redis.call('EXISTS', entry) == 0 then
  local all = tonumber(redis.call('GET', day_units) or 0) + units
  local own = tonumber(redis.call('HGET', key_units, alias) or 0) + units
  if forced == '0' and (capped > at or (per_day > 0 and all > per_day) or (per_key > 0 and own > per_key)
      or (messages > 0 and windowed == '1' and redis.call('ZCARD', in_window) >= messages)) then
    accepted = 0
  else
    redis.call('HSET', entry, 'at', ARGV[2], 'alias', alias, 'model', model, 'slug', slug, 'units', units,
      'windowed', windowed, 'message_id', message, 'outcome', 'unknown', 'day', day, 'hour', hour)
    redis.call('EXPIRE', entry, retention)
    redis.call('INCRBY', day_units, units)
    redis.call('EXPIRE', day_units, short)
    redis.call('HINCRBY', key_units, alias, units)
    redis.call('EXPIRE', key_units, short)
    redis.call('ZADD', unknown, ARGV[2], id)
    redis.call('EXPIRE', unknown, retention)
    if windowed == '1' then
      redis.call('ZADD', in_window, ARGV[2], id)
      redis.call('EXPIRE', in_window, math.ceil(window) + 60)
    end
    sum(day, hour, model, alias, 'conversations', 1)
    sum(day, hour, model, alias, 'unknown', 1)
    sum(day, hour, model, alias, 'units', units)
    redis.call('EXPIRE', P .. 'day:' .. day, retention)
    redis.call('EXPIRE', P .. 'hour:' .. hour, short)
  end
end
return {accepted, redis.call('GET', day_units) or '0', redis.call('HGET', key_units, alias) or '0',
  tostring(capped), redis.call('ZRANGE', in_window, 0, -1, 'WITHSCORES')}
"""
)

SETTLE: Final = (
    _SUMS
    + """
local id, outcome, free = ARGV[1], ARGV[2], ARGV[3]
local entry = P .. 'entry:' .. id
local known = redis.call('HMGET', entry, 'outcome', 'units', 'alias', 'model', 'day', 'hour')
if known[1] ~= 'unknown' then return 0 end
local units, alias, model, day, hour = tonumber(known[2]), known[3], known[4], known[5], known[6]
local free_alias, repeat_seconds = ARGV[8], ARGV[9]
redis.call('HSET', entry, 'outcome', outcome, 'served', ARGV[4], 'conversation_id', ARGV[5],
  'duration', ARGV[6], 'ttft', ARGV[7])
if outcome == 'unknown' then return 0 end
redis.call('ZREM', P .. 'unknown:' .. alias, id)
sum(day, hour, model, alias, 'unknown', -1)
if free == '1' then
  redis.call('DEL', entry)
  redis.call('HSET', entry, 'outcome', outcome)
  redis.call('EXPIRE', entry, repeat_seconds)
  redis.call('ZREM', P .. 'window:' .. alias, id)
  if redis.call('EXISTS', P .. 'units:' .. day) == 1 then
    redis.call('DECRBY', P .. 'units:' .. day, units)
    if redis.call('HINCRBY', P .. 'key-units:' .. day, alias, -units) <= 0 then
      redis.call('HDEL', P .. 'key-units:' .. day, alias)
    end
  end
  sum(day, hour, model, alias, 'conversations', -1)
  sum(day, hour, model, alias, 'units', -units)
  sum(day, hour, '', free_alias, 'conversations', 1)
  sum(day, hour, '', free_alias, 'free', 1)
end
return 1
"""
)

COUNT: Final = (
    _SUMS
    + """
local entry = P .. 'entry:' .. ARGV[1]
local known = redis.call('HMGET', entry, 'prompt_tokens', 'completion_tokens', 'model', 'alias', 'day',
  'hour')
if not known[3] then return 0 end
local prompt, completion = tonumber(known[1] or 0), tonumber(known[2] or 0)
redis.call('HSET', entry, 'prompt_tokens', ARGV[2], 'completion_tokens', ARGV[3])
sum(known[5], known[6], known[3], known[4], 'prompt_tokens', tonumber(ARGV[2]) - prompt)
sum(known[5], known[6], known[3], known[4], 'completion_tokens', tonumber(ARGV[3]) - completion)
return 1
"""
)
