-- Draws from the counters of one org, all of an ask or nothing of it.
--
-- KEYS: counters. Each is a hash: field `t` is the total drawn, every other field what the
-- gateway of that name has of it.
-- ARGV: the gateway; then for each key: max, claim, extra, keep; then for each ask: a count and
-- so many pairs of key number and amount.
--   claim: what the gateway has drawn and not given back; it replaces what the counter holds, so
--          a draw whose answer was lost, and a counter that was lost, both come right. Empty: the
--          gateway does not know, and the counter's word counts.
--   extra: wanted beyond the asks; granted up to the gateway's share.
--   keep:  seconds the counter is kept; empty: for ever.
-- Returns for each key: granted, free, held before, share; then for each ask: 0 when granted, else
-- which of its pairs had no room.
--
-- The share is what a gateway may have in hand: a sixteenth of what is free, and such that all
-- gateways that draw here have at most a fiftieth of the maximum. So the last part of a limit is
-- not lost in hands that do not need it.
--
-- Totals are 64-bit, and Lua counts exactly only to 2^53: they are subtracted in two halves, and
-- a difference beyond 9 * 10^15 counts as that.

local HALF, MOST = 1000000000, 9000000

local function split(text)
  local sign, digits = string.match(text, '^(%-?)(%d+)$')
  local high = tonumber(string.sub(digits, 1, -10)) or 0
  local low = tonumber(string.sub(digits, -9))
  if sign == '-' then return -high, -low end
  return high, low
end

local function minus(a, b)
  local a_high, a_low = split(a)
  local b_high, b_low = split(b)
  local high, low = a_high - b_high, a_low - b_low
  if high >= MOST then return MOST * HALF end
  if high <= -MOST then return -MOST * HALF end
  return high * HALF + low
end

local function negative(text)
  if string.sub(text, 1, 1) == '-' then return string.sub(text, 2) end
  return '-' .. text
end

local function whole(n)
  return string.format('%.0f', n)
end

local gateway = ARGV[1]
local at = 2
local counters = {}

for i, key in ipairs(KEYS) do
  local max, claim, extra, keep = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3]
  at = at + 4
  local held = redis.call('HGET', key, gateway) or '0'
  if claim ~= '' and claim ~= held then
    if held ~= '0' then redis.call('HINCRBY', key, 't', negative(held)) end
    redis.call('HINCRBY', key, 't', claim)
    redis.call('HSET', key, gateway, claim)
  end
  local free = minus(max, redis.call('HGET', key, 't') or '0')
  local gateways = math.max(1, redis.call('HLEN', key) - 1)
  counters[i] = {
    key = key, free = free, granted = 0, extra = tonumber(extra), keep = keep, held = held,
    most = math.floor(tonumber(max) / 50 / gateways),
  }
end

local verdicts = {}
while ARGV[at] do
  local count = tonumber(ARGV[at])
  local short = 0
  for pair = 1, count do
    local counter = counters[tonumber(ARGV[at + 2 * pair - 1])]
    if short == 0 and tonumber(ARGV[at + 2 * pair]) > counter.free then short = pair end
  end
  if short == 0 then
    for pair = 1, count do
      local counter = counters[tonumber(ARGV[at + 2 * pair - 1])]
      local amount = tonumber(ARGV[at + 2 * pair])
      counter.free = counter.free - amount
      counter.granted = counter.granted + amount
    end
  end
  verdicts[#verdicts + 1] = whole(short)
  at = at + 1 + 2 * count
end

local answer = {}
for _, counter in ipairs(counters) do
  local share = math.max(0, math.min(counter.most, math.floor(counter.free / 16)))
  local ahead = math.min(counter.extra, share)
  if ahead > 0 then
    counter.free = counter.free - ahead
    counter.granted = counter.granted + ahead
  end
  if counter.granted > 0 then
    redis.call('HINCRBY', counter.key, 't', whole(counter.granted))
    redis.call('HINCRBY', counter.key, gateway, whole(counter.granted))
  end
  if counter.keep ~= '' then redis.call('EXPIRE', counter.key, counter.keep) end
  answer[#answer + 1] = whole(counter.granted)
  answer[#answer + 1] = whole(counter.free)
  answer[#answer + 1] = counter.held
  answer[#answer + 1] = whole(share)
end
for _, verdict in ipairs(verdicts) do answer[#answer + 1] = verdict end
return answer
