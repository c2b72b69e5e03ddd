-- Draws from the counters of one org, all of an ask or nothing of it.
--
-- KEYS: the org's mark of being counted, its gateways, then counters. A counter is a hash: field
-- `t` is the total drawn, every other field what the gateway of that name has of it. Of a sliding
-- limit there is no `t`: a field is a gateway and the start of a bucket, `<gateway>:<start>`.
-- ARGV: the gateway; the number of this call, higher than any before; the time in milliseconds
-- ('': the server's, as it must be in earnest); the number of counters; then for each counter:
-- max, claim, extra, start, end, span, kind; then for each ask: a count and so many pairs of
-- counter number and amount.
--   claim: what the gateway has drawn and not given back; it replaces what the counter holds, so
--          a draw whose answer was lost, and a counter that was lost, both come right.
--   extra: wanted beyond the asks; granted up to the gateway's share.
--   start, end: the window, or bucket, in milliseconds; an empty end: it never ends.
--   span:  of a sliding limit, for how long a bucket counts after its end; else 0.
--   kind:  `c` closed, `o` open without a full count; `C` and `O` the same of a level, which is
--          given back when its holder is gone.
-- Returns: the time, whether the org is counted, the gateways that were here lately, the run of
-- the server; then for each counter: granted, free, share, state; then for each ask:
-- 0 when granted, else which of its pairs stood in the way. State: 0 ready; 1 the counts may be
-- incomplete, so a closed limit grants nothing; 2 its window is not the one that runs now.
-- A call that a later one of the same gateway has overtaken changes nothing: `late`.
--
-- The counts are complete when the mark names this very run of the server: a flush takes the mark
-- away, and a restart or another master that took over, which may both have lost the last
-- writes, make it name another. Claims are taken all the same; who knows the rest sets the mark.
--
-- The share is what a gateway may have in hand: a sixteenth of what is free, and such that all
-- gateways that draw here have at most a fiftieth of the maximum. So the last part of a limit is
-- not lost in hands that do not need it.
--
-- Totals are 64-bit, and Lua counts exactly only to 2^53: they are subtracted in two halves, and
-- a difference beyond 9 * 10^15 counts as that.

local HALF, MOST = 1000000000, 9000000
-- Milliseconds: a gateway heard of within ALIVE counts for the shares; one not heard of for LEVEL
-- has lost its levels; a closed window is forgotten after LATE.
local ALIVE, LEVEL, LATE, FORGET = 10000, 15000, 60000, 86400000

local function split(text)
  local sign, digits = string.match(text, '^(%-?)(%d+)$')
  local high = tonumber(string.sub(digits, 1, -10)) or 0
  local low = tonumber(string.sub(digits, -9))
  if sign == '-' then return -high, -low end
  return high, low
end

local function joined(high, low)
  if high >= MOST then return MOST * HALF end
  if high <= -MOST then return -MOST * HALF end
  return high * HALF + low
end

local function minus(a, b)
  local a_high, a_low = split(a)
  local b_high, b_low = split(b)
  return joined(a_high - b_high, a_low - b_low)
end

local function negative(text)
  if string.sub(text, 1, 1) == '-' then return string.sub(text, 2) end
  return '-' .. text
end

local function whole(n)
  return string.format('%.0f', n)
end

local gateway, number, now, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local counted = redis.call('GET', KEYS[1]) == run

local seen, gateways = {}, 0
local all = redis.call('HGETALL', KEYS[2])
for i = 1, #all, 2 do
  local at, call = string.match(all[i + 1], '^(%d+):(%d+)$')
  if all[i] == gateway and number <= tonumber(call) then return redis.error_reply('late') end
  seen[all[i]] = tonumber(at)
  if all[i] ~= gateway and tonumber(at) > now - ALIVE then gateways = gateways + 1 end
  if tonumber(at) <= now - FORGET then redis.call('HDEL', KEYS[2], all[i]) end
end
gateways, seen[gateway] = gateways + 1, now
redis.call('HSET', KEYS[2], gateway, whole(now) .. ':' .. ARGV[2])
redis.call('PEXPIRE', KEYS[2], FORGET)

local counters = {}
for i = 1, count do
  local at, key = 7 * i - 2, KEYS[i + 2]
  local max, claim, extra, start = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3])
  local over, span, kind = tonumber(ARGV[at + 4]), tonumber(ARGV[at + 5]), ARGV[at + 6]
  local sliding, level = span > 0, kind == 'C' or kind == 'O'
  local field, kept = gateway, LATE
  if sliding then field, kept = gateway .. ':' .. ARGV[at + 3], span end
  local held = redis.call('HGET', key, field) or '0'
  if claim ~= held and not (over and now >= over + kept) then
    if not sliding then
      if held ~= '0' then redis.call('HINCRBY', key, 't', negative(held)) end
      redis.call('HINCRBY', key, 't', claim)
    end
    if claim == '0' then redis.call('HDEL', key, field)
    else redis.call('HSET', key, field, claim) end
  end
  local state = 0
  if now < start or (over and now >= over) then state = 2
  elseif not counted and (kind == 'c' or kind == 'C') then state = 1 end
  counters[i] = {
    key = key, field = field, max = max, extra = tonumber(extra), over = over, span = span,
    sliding = sliding, level = level, kept = kept, state = state,
    free = 0, granted = 0, most = math.floor(tonumber(max) / 50 / gateways),
  }
end

for _, counter in ipairs(counters) do
  local key = counter.key
  if counter.level then
    local holders = redis.call('HGETALL', key)
    for i = 1, #holders, 2 do
      local at = seen[holders[i]]
      if holders[i] ~= 't' and not (at and at > now - LEVEL) then
        redis.call('HINCRBY', key, 't', negative(holders[i + 1]))
        redis.call('HDEL', key, holders[i])
      end
    end
  end
  if counter.state ~= 2 and not counter.sliding then
    counter.free = minus(counter.max, redis.call('HGET', key, 't') or '0')
  elseif counter.state ~= 2 then
    local high, low = split(counter.max)
    local buckets = redis.call('HGETALL', key)
    local length = counter.over - tonumber(string.match(counter.field, ':(%d+)$'))
    for i = 1, #buckets, 2 do
      local start = tonumber(string.match(buckets[i], ':(%d+)$'))
      if start + length + counter.span > now then
        local more, less = split(buckets[i + 1])
        high, low = high - more, low - less
      else
        redis.call('HDEL', key, buckets[i])
      end
    end
    -- Many small parts may add up to more than the lower half has room for.
    local carry = math.floor(low / HALF)
    counter.free = joined(high + carry, low - carry * HALF)
  end
end

local verdicts = {}
local at = 5 + 7 * count
while ARGV[at] do
  local pairs_of = tonumber(ARGV[at])
  local short = 0
  for pair = 1, pairs_of do
    local counter = counters[tonumber(ARGV[at + 2 * pair - 1])]
    local amount = tonumber(ARGV[at + 2 * pair])
    if short == 0 and (counter.state ~= 0 or amount > counter.free) then short = pair end
  end
  if short == 0 then
    for pair = 1, pairs_of do
      local counter = counters[tonumber(ARGV[at + 2 * pair - 1])]
      local amount = tonumber(ARGV[at + 2 * pair])
      counter.free = counter.free - amount
      counter.granted = counter.granted + amount
    end
  end
  verdicts[#verdicts + 1] = whole(short)
  at = at + 1 + 2 * pairs_of
end

local answer = { whole(now), counted and '1' or '0', whole(gateways), run }
for _, counter in ipairs(counters) do
  local share = math.max(0, math.min(counter.most, math.floor(counter.free / 16)))
  local ahead = math.min(counter.extra, share)
  if ahead > 0 and counter.state == 0 then
    counter.free = counter.free - ahead
    counter.granted = counter.granted + ahead
  end
  if counter.granted > 0 then
    if not counter.sliding then redis.call('HINCRBY', counter.key, 't', whole(counter.granted)) end
    redis.call('HINCRBY', counter.key, counter.field, whole(counter.granted))
  end
  if counter.over then
    redis.call('PEXPIRE', counter.key, whole(math.max(LATE, counter.over - now + counter.kept)))
  elseif counter.level then
    redis.call('PEXPIRE', counter.key, FORGET)
  end
  answer[#answer + 1] = whole(counter.granted)
  answer[#answer + 1] = whole(counter.free)
  answer[#answer + 1] = whole(share)
  answer[#answer + 1] = whole(counter.state)
end
for _, verdict in ipairs(verdicts) do answer[#answer + 1] = verdict end
return answer
