-- Keeps an answer of an organisation, and at most so many bytes of answers: those that end first
-- leave first. Expired ones leave a few at a time. Of a list, which has room for so many bytes, it is
-- the newest entry: all are of one length, and what there is no room for leaves.
local answers, ends, size = KEYS[1], KEYS[2], KEYS[3]
local field, answer = ARGV[1], ARGV[2]
local now, ttl, max = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local room = tonumber(ARGV[6])
if room > 0 then
  local list = redis.call('HGET', answers, field) or ''
  if #list % #answer == 0 then
    answer = answer .. list:sub(1, math.floor((room - #answer) / #answer) * #answer)
  end
end
local total = tonumber(redis.call('GET', size) or '0')
local function leave(gone)
  total = total - redis.call('HSTRLEN', answers, gone)
  redis.call('HDEL', answers, gone)
  redis.call('ZREM', ends, gone)
end
leave(field)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', ends, '-inf', now, 'LIMIT', 0, 64)) do
  leave(gone)
end
while total + #answer > max do
  local first = redis.call('ZRANGE', ends, 0, 0)[1]
  if not first then
    -- What was counted is not there.
    redis.call('DEL', answers)
    total = 0
    break
  end
  leave(first)
end
redis.call('HSET', answers, field, answer)
redis.call('ZADD', ends, now + ttl, field)
redis.call('SET', size, total + #answer, 'KEEPTTL')
for _, key in ipairs(KEYS) do
  if redis.call('PTTL', key) < ttl then
    redis.call('PEXPIRE', key, ttl)
  end
end
return total + #answer
