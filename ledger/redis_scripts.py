"""The steps of the ledger as Redis runs them: each script is atomic, so instances never see half of a step.

All keys share the hash tag `{pandora}`, so a cluster has them on one node; a script is told one of them and
makes the names of the others (see `runtime.script_keys`). To run a step twice changes nothing. The clock of
an instance may be wrong: one that is ahead of that of Redis empties no rolling window, and its messages count
as of now in it.

    {pandora}:entry:ID          hash, one conversation
    {pandora}:units:DAY         units of a day of quota
    {pandora}:key-units:DAY     hash, the same by name of the caller's key
    {pandora}:window:ALIAS      sorted set, id by time: messages in the rolling window
    {pandora}:cap:ALIAS:SLUG    until when the backend has capped a model
    {pandora}:unknown:ALIAS     sorted set, id by time: posted to the caller's own account and not settled
    {pandora}:account-units:DAY, account-window:ACCOUNT, account-unknown:ACCOUNT
                                the same for accounts of the operator's; what is posted to one is in the
                                units and the window of its caller too
    {pandora}:account-caps:ACCOUNT
                                hash, by model: until when the backend has capped it
    {pandora}:day:DAY           hash of sums, each field MODEL, ALIAS, WHAT and, where it is one of the
                                operator's, ACCOUNT, with separators between; what cost nothing has no MODEL,
                                and an ALIAS for its outcome
    {pandora}:hour:HOUR         the same for an hour
    {pandora}:secret            of the names of keys, in hex
    {pandora}:born              made up when there was none: another one tells that all else was lost
    {pandora}:schema            the version of all this, where it is not the first one
    {pandora}:written:INSTANCE  how many writes of a running instance there were
    {pandora}:in-use            there for ten seconds after an instance has looked at the ledger
    {pandora}:restoring         there while a backup is brought back, and left if that was broken off
"""

from typing import Final

PREFIX: Final = "{pandora}:"
SEPARATOR: Final = "\x1f"
ACCOUNT_SEPARATOR: Final = "\x1e"
"""Another one, so that a version that knows no accounts still can read the sums."""
SECRET: Final = PREFIX + "secret"
BORN: Final = PREFIX + "born"
SCHEMA: Final = PREFIX + "schema"
IN_USE: Final = PREFIX + "in-use"
RESTORING: Final = PREFIX + "restoring"
SCHEMA_VERSION: Final = 1
"""What is written here. A version that writes something else, which this one would misread, has to write its
number to `SCHEMA`."""
IN_USE_SECONDS: Final = 10
RECENT_SECONDS: Final = 4 * 86400
"""How long units of a day and sums of an hour are kept; sums of a day and entries have the retention."""
KINDS: Final = frozenset(
    (
        "entry", "units", "key-units", "window", "cap", "unknown", "account-units", "account-window",
        "account-unknown", "account-caps", "day", "hour", "secret", "schema",
    )
)  # fmt: skip
"""What a backup has: the first words of the keys above, but for those that tell of the present only."""
REPEAT_SECONDS: Final = 3600
"""For so long the entry of a conversation that cost nothing remains, without what it held: a step may be
repeated."""

_SUMS: Final = """
local P = '{pandora}:'
local function add(sums, field, by)
  if redis.call('HINCRBY', sums, field, by) == 0 then redis.call('HDEL', sums, field) end
end
local function sum(day, hour, model, alias, account, what, by)
  if by == 0 then return end
  local field = model .. '\\31' .. alias .. '\\31' .. what
  if account ~= '' then field = field .. '\\30' .. account end
  add(P .. 'day:' .. day, field, by)
  add(P .. 'hour:' .. hour, field, by)
end
"""

POST: Final = (
    _SUMS
    + """
local id, at, alias, model, slug = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], ARGV[5]
local units, windowed, message, account, forced = tonumber(ARGV[6]), ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local day, hour = ARGV[11], ARGV[12]
local window, retention, short = tonumber(ARGV[13]), tonumber(ARGV[14]), tonumber(ARGV[15])
local per_day = tonumber(ARGV[16])
local entry, day_units = KEYS[1], P .. 'units:' .. day
local now = tonumber(redis.call('TIME')[1])
local function subject(name, units_key, window_key, unknown_key, cap, units_limit, messages_limit)
  redis.call('ZREMRANGEBYSCORE', window_key, '-inf', math.min(at, now) - window)
  local latest = math.max(at, now)
  for _, early in ipairs(redis.call('ZRANGEBYSCORE', window_key, latest + 300, '+inf')) do
    redis.call('ZADD', window_key, latest, early)
  end
  return {name = name, units = units_key, window = window_key, unknown = unknown_key,
    capped = tonumber(cap or 0), per_day = tonumber(units_limit), messages = tonumber(messages_limit)}
end
local function is_spent(of)
  local own = tonumber(redis.call('HGET', of.units, of.name) or 0) + units
  return of.capped > at or (of.per_day > 0 and own > of.per_day)
    or (of.messages > 0 and windowed == '1' and redis.call('ZCARD', of.window) >= of.messages)
end
local function told(of)
  return {redis.call('HGET', of.units, of.name) or '0', tostring(of.capped),
    redis.call('ZRANGE', of.window, 0, -1, 'WITHSCORES')}
end
local caller = subject(alias, P .. 'key-units:' .. day, P .. 'window:' .. alias, P .. 'unknown:' .. alias,
  redis.call('GET', P .. 'cap:' .. alias .. ':' .. slug), ARGV[17], ARGV[18])
local subjects, owner = {caller}, caller
if account ~= '' then
  owner = subject(account, P .. 'account-units:' .. day, P .. 'account-window:' .. account,
    P .. 'account-unknown:' .. account, redis.call('HGET', P .. 'account-caps:' .. account, slug),
    ARGV[19], ARGV[20])
  subjects[2] = owner
end
local accepted, by_account = 1, 0
if redis.call('EXISTS', entry) == 0 then
  if forced == '0' then
    local all = tonumber(redis.call('GET', day_units) or 0) + units
    if (per_day > 0 and all > per_day) or is_spent(caller) then
      accepted = 0
    elseif account ~= '' and is_spent(owner) then
      accepted, by_account = 0, 1
    end
  end
  if accepted == 1 then
    redis.call('HSET', entry, 'at', ARGV[2], 'alias', alias, 'model', model, 'slug', slug, 'units', units,
      'windowed', windowed, 'message_id', message, 'account', account, 'outcome', 'unknown', 'day', day,
      'hour', hour)
    redis.call('EXPIRE', entry, retention)
    redis.call('INCRBY', day_units, units)
    redis.call('EXPIRE', day_units, short)
    for _, of in ipairs(subjects) do
      redis.call('HINCRBY', of.units, of.name, units)
      redis.call('EXPIRE', of.units, short)
      if windowed == '1' then
        redis.call('ZADD', of.window, ARGV[2], id)
        redis.call('EXPIRE', of.window, math.ceil(window) + 60)
      end
    end
    redis.call('ZADD', owner.unknown, ARGV[2], id)
    redis.call('EXPIRE', owner.unknown, retention)
    sum(day, hour, model, alias, account, 'conversations', 1)
    sum(day, hour, model, alias, account, 'unknown', 1)
    sum(day, hour, model, alias, account, 'units', units)
    redis.call('EXPIRE', P .. 'day:' .. day, retention)
    redis.call('EXPIRE', P .. 'hour:' .. hour, short)
  end
end
local all_told = {}
for index, of in ipairs(subjects) do all_told[index] = told(of) end
return {accepted, by_account, redis.call('GET', day_units) or '0', all_told}
"""
)

CAP_ACCOUNT: Final = """
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('EXPIRE', KEYS[1], ARGV[3])
"""

SETTLE: Final = (
    _SUMS
    + """
local id, outcome, free = ARGV[1], ARGV[2], ARGV[3]
local entry = KEYS[1]
local known = redis.call('HMGET', entry, 'outcome', 'units', 'alias', 'model', 'day', 'hour',
  'account')
if known[1] ~= 'unknown' then return 0 end
local units, alias, model, day, hour = tonumber(known[2]), known[3], known[4], known[5], known[6]
local account = known[7] or ''
local free_alias, repeat_seconds = ARGV[8], ARGV[9]
local function give_back(spent, name)
  if redis.call('HINCRBY', spent, name, -units) <= 0 then redis.call('HDEL', spent, name) end
end
redis.call('HSET', entry, 'outcome', outcome, 'served', ARGV[4], 'conversation_id', ARGV[5],
  'duration', ARGV[6], 'ttft', ARGV[7])
if outcome == 'unknown' then return 0 end
redis.call('ZREM', P .. 'unknown:' .. alias, id)
redis.call('ZREM', P .. 'account-unknown:' .. account, id)
sum(day, hour, model, alias, account, 'unknown', -1)
if free == '1' then
  redis.call('DEL', entry)
  redis.call('HSET', entry, 'outcome', outcome)
  redis.call('EXPIRE', entry, repeat_seconds)
  redis.call('ZREM', P .. 'window:' .. alias, id)
  redis.call('ZREM', P .. 'account-window:' .. account, id)
  if redis.call('EXISTS', P .. 'units:' .. day) == 1 then
    redis.call('DECRBY', P .. 'units:' .. day, units)
    give_back(P .. 'key-units:' .. day, alias)
    if account ~= '' then give_back(P .. 'account-units:' .. day, account) end
  end
  sum(day, hour, model, alias, account, 'conversations', -1)
  sum(day, hour, model, alias, account, 'units', -units)
  sum(day, hour, '', free_alias, '', 'conversations', 1)
  sum(day, hour, '', free_alias, '', 'free', 1)
end
return 1
"""
)

COUNT: Final = (
    _SUMS
    + """
local entry = KEYS[1]
local known = redis.call('HMGET', entry, 'prompt_tokens', 'completion_tokens', 'model', 'alias', 'day',
  'hour', 'account')
if not known[3] then return 0 end
local prompt, completion, account = tonumber(known[1] or 0), tonumber(known[2] or 0), known[7] or ''
redis.call('HSET', entry, 'prompt_tokens', ARGV[2], 'completion_tokens', ARGV[3])
sum(known[5], known[6], known[3], known[4], account, 'prompt_tokens', tonumber(ARGV[2]) - prompt)
sum(known[5], known[6], known[3], known[4], account, 'completion_tokens',
  tonumber(ARGV[3]) - completion)
return 1
"""
)

READ: Final = """
local P = '{pandora}:'
local found = {}
local function read(name)
  local kind, value = redis.call('TYPE', name).ok, nil
  if kind == 'string' then value = {redis.call('GET', name)}
  elseif kind == 'hash' then value = redis.call('HGETALL', name)
  elseif kind == 'zset' then value = redis.call('ZRANGE', name, 0, -1, 'WITHSCORES')
  else return {} end
  found[#found + 1] = {name, kind, redis.call('PTTL', name), value}
  return value
end
local function is_of(name, kind) return string.sub(name, 1, #P + #kind) == P .. kind end
for _, name in ipairs(ARGV) do
  local value = read(name)
  if is_of(name, 'unknown:') or is_of(name, 'account-unknown:') then
    for index = 1, #value, 2 do read(P .. 'entry:' .. value[index]) end
  end
end
local now = redis.call('TIME')
return {now[1] * 1000 + math.floor(now[2] / 1000), found}
"""
"""What keys hold, and for how many milliseconds; with what has no outcome yet, also its entries."""

FULLEST_WINDOW: Final = """
local P = '{pandora}:'
local since, day, seen, alias, most = ARGV[1], ARGV[2], {}, '', 0
for argument = 3, #ARGV do
  for _, field in ipairs(redis.call('HKEYS', P .. 'hour:' .. ARGV[argument])) do
    local model, whose, rest = string.match(field, '^([^\\31]*)\\31([^\\31]*)\\31(.*)$')
    if model ~= '' and not string.find(rest, '\\30', 1, true) and not seen[whose] then
      seen[whose] = true
      local messages = redis.call('ZCOUNT', P .. 'window:' .. whose, since, '+inf')
      if messages > most then alias, most = whose, messages end
    end
  end
end
if most == 0 then return {} end
local units = redis.call('GET', P .. 'units:' .. day) or '0'
local own_units = redis.call('HGET', P .. 'key-units:' .. day, alias) or '0'
return {alias, units, own_units,
  redis.call('ZRANGEBYSCORE', P .. 'window:' .. alias, since, '+inf', 'WITHSCORES')}
"""
"""Of callers with conversations in these hours on accounts of their own."""
