//! The counters of one org in Redis, as far as completing them needs it.

use contract::channel::{
    self, GATEWAYS_GONE, GATEWAYS_LEFT, ROLL, ROLL_CALL, ROLL_WHOLE, UNCOUNTED,
};
use contract::id::{GatewayId, OrgId};
use contract::{Timestamp, snapshot::Kind};
use redis::RedisResult;
use redis_link::{Lasting, Script};
use std::collections::{HashMap, HashSet};

/// `KEYS`: the mark, since when it is missing. Answers whether the org is complete under this run
/// of the server; else for how long it is known not to be, the time, and what to name that
/// knowledge by when raising.
const LOOK: &str = r"
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
if redis.call('GET', KEYS[1]) == run then
  redis.call('DEL', KEYS[2])
  return { 1, 0, now, '' }
end
local known = redis.call('GET', KEYS[2])
local since, of
if known then since, of = string.match(known, '^(%d+):(%x+)$') end
if of ~= run then
  since = now
  known = string.format('%.0f', now) .. ':' .. run
  redis.call('SET', KEYS[2], known, 'EX', 3600)
end
return { 0, now - tonumber(since), now, known }
";

/// `KEYS`: the mark, since when it is missing, then counters. `ARGV`: that knowledge, which must
/// still be there; 1 to set the mark; then for each counter: field, what it must hold at least,
/// 1 when the counter has a total, when it may be forgotten ('' never), in milliseconds. Answers
/// whether it was done.
const RAISE: &str = r"
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local function less(a, b)
  if string.sub(a, 1, 1) == '-' then return true end
  if #a ~= #b then return #a < #b end
  return a < b
end
for i = 3, #KEYS do
  local a = 4 * i - 9
  local held = redis.call('HGET', KEYS[i], ARGV[a]) or '0'
  if less(held, ARGV[a + 1]) then
    if ARGV[a + 2] == '1' then
      local back = '-' .. held
      if string.sub(held, 1, 1) == '-' then back = string.sub(held, 2) end
      if held ~= '0' then redis.call('HINCRBY', KEYS[i], 't', back) end
      redis.call('HINCRBY', KEYS[i], 't', ARGV[a + 1])
    end
    redis.call('HSET', KEYS[i], ARGV[a], ARGV[a + 1])
    if ARGV[a + 3] ~= '' then redis.call('PEXPIREAT', KEYS[i], ARGV[a + 3]) end
  end
end
if ARGV[2] == '1' then
  redis.call('SET', KEYS[1], string.match(ARGV[1], ':(%x+)$'))
  redis.call('DEL', KEYS[2])
end
return 1
";

/// `KEYS`: the org's gateways, then counters. `ARGV`: a gateway; then for each counter what it has.
/// A counter that holds nothing of it is left alone. No call of it that is still under way counts any
/// more.
const SET: &str = r"
for i = 2, #KEYS do
  local held = redis.call('HGET', KEYS[i], ARGV[1])
  if held and held ~= ARGV[i] then
    local back = '-' .. held
    if string.sub(held, 1, 1) == '-' then back = string.sub(held, 2) end
    redis.call('HINCRBY', KEYS[i], 't', back)
    redis.call('HINCRBY', KEYS[i], 't', ARGV[i])
    if ARGV[i] == '0' then redis.call('HDEL', KEYS[i], ARGV[1])
    else redis.call('HSET', KEYS[i], ARGV[1], ARGV[i]) end
  end
end
local last = redis.call('HGET', KEYS[1], ARGV[1])
if last then
  redis.call('HSET', KEYS[1], ARGV[1], string.match(last, '^%d+') .. ':9007199254740991')
end
return 1
";

/// `KEYS`: the mark. Sets it where there is none.
const WELCOME: &str = r"
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
redis.call('SET', KEYS[1], run, 'NX')
return 1
";

/// `KEYS`: the roll. `ARGV`: the field of the mark, the run, then gateways. Sets the mark when all of
/// them are there, and it is that run.
const MARK: &str = r"
for i = 3, #ARGV do
  if redis.call('HEXISTS', KEYS[1], ARGV[i]) == 0 then return 0 end
end
if string.match(redis.call('INFO', 'server'), 'run_id:(%x+)') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
return 1
";

/// Gateways that are gone are remembered for so long: who served an org lately is not waited for.
const LEFT_KEPT_MS: i64 = 86_400_000;
/// Counters raised by one call: a script must not hold Redis up.
const RAISED_MAX: usize = 200;

/// How it stands with the counters of an org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Look {
    Complete { now_ms: i64 },
    Incomplete { for_ms: i64, now_ms: i64, known: String },
}

/// What one counter must hold of one gateway at least.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Least {
    pub key: String,
    pub field: String,
    pub used: i64,
    pub has_total: bool,
    pub forget_ms: Option<i64>,
}

#[derive(Clone)]
pub(super) struct Counters {
    redis: Lasting,
    look: Script,
    raise: Script,
    welcome: Script,
    set: Script,
    mark: Script,
}

impl Counters {
    pub fn new(redis: Lasting) -> Self {
        let [look, raise, welcome, set, mark] = [LOOK, RAISE, WELCOME, SET, MARK].map(Script::new);
        Self { redis, look, raise, welcome, set, mark }
    }

    /// Orgs that gateways found to be incomplete.
    pub async fn told(&self) -> RedisResult<HashSet<String>> {
        redis::cmd("SMEMBERS").arg(UNCOUNTED).query_async(&mut self.redis.clone()).await
    }

    /// Forgets that an org was told of.
    pub async fn heard(&self, org: &str) -> RedisResult<()> {
        redis::cmd("SREM").arg(UNCOUNTED).arg(org).query_async(&mut self.redis.clone()).await
    }

    pub async fn look(&self, org: OrgId) -> RedisResult<Look> {
        let mut call = self.look.prepare_invoke();
        call.key(channel::restored(org)).key(channel::recount(org));
        let (complete, for_ms, now_ms, known): (i64, i64, i64, String) =
            call.invoke_async(&mut self.redis.clone()).await?;
        Ok(match complete {
            1 => Look::Complete { now_ms },
            _ => Look::Incomplete { for_ms, now_ms, known },
        })
    }

    /// Raises counters, and marks the org as complete; false when Redis lost something meanwhile.
    pub async fn complete(&self, org: OrgId, known: &str, all: &[Least]) -> RedisResult<bool> {
        let parts = all.len().div_ceil(RAISED_MAX).max(1);
        for part in 0..parts {
            let mut call = self.raise.prepare_invoke();
            call.key(channel::restored(org)).key(channel::recount(org));
            call.arg(known).arg(i32::from(part + 1 == parts));
            for least in all.iter().skip(part * RAISED_MAX).take(RAISED_MAX) {
                let forget = least.forget_ms.map_or(String::new(), |at| at.to_string());
                call.key(&least.key).arg(&least.field).arg(least.used);
                call.arg(i32::from(least.has_total)).arg(forget);
            }
            if call.invoke_async::<i64>(&mut self.redis.clone()).await? != 1 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Marks an org of which nothing was ever counted.
    pub async fn welcome(&self, org: OrgId) -> RedisResult<()> {
        let mut call = self.welcome.prepare_invoke();
        call.key(channel::restored(org));
        call.invoke_async::<i64>(&mut self.redis.clone()).await?;
        Ok(())
    }

    /// Whether gateways were ever told of an org since Redis was emptied.
    pub async fn is_published(&self, org: OrgId) -> RedisResult<bool> {
        let mut there = redis::cmd("HEXISTS");
        there.arg(channel::records(Kind::Org)).arg(org.to_string());
        there.query_async(&mut self.redis.clone()).await
    }

    /// What stands on the roll.
    pub async fn roll(&self) -> RedisResult<HashMap<String, String>> {
        redis::cmd("HGETALL").arg(ROLL).query_async(&mut self.redis.clone()).await
    }

    /// Marks the roll as one that lacks nobody, under a run of the server, if all of these are there.
    pub async fn mark_roll(&self, all: &[GatewayId], run: &str) -> RedisResult<()> {
        let mut call = self.mark.prepare_invoke();
        call.key(ROLL).arg(ROLL_WHOLE).arg(run);
        for gateway in all {
            call.arg(gateway.to_string());
        }
        call.invoke_async::<i64>(&mut self.redis.clone()).await?;
        Ok(())
    }

    /// Has every gateway say again what it has, and then repeat `word`.
    pub async fn call(&self, word: &str) -> RedisResult<()> {
        redis::cmd("SET").arg(ROLL_CALL).arg(word).query_async(&mut self.redis.clone()).await
    }

    /// Takes gateways off the roll.
    pub async fn strike(&self, gateways: &[GatewayId]) -> RedisResult<()> {
        let mut strike = redis::cmd("HDEL");
        strike.arg(ROLL);
        for gateway in gateways {
            strike.arg(gateway.to_string());
        }
        strike.query_async(&mut self.redis.clone()).await
    }

    async fn members(&self, set: &str) -> RedisResult<Vec<GatewayId>> {
        let mut range = redis::cmd("ZRANGE");
        range.arg(set).arg(0).arg(-1);
        let ids: Vec<String> = range.query_async(&mut self.redis.clone()).await?;
        Ok(ids.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// Gateways that were said to be gone.
    pub async fn gone(&self) -> RedisResult<Vec<GatewayId>> {
        self.members(GATEWAYS_GONE).await
    }

    /// What a gateway that is gone had was set to what it used.
    pub async fn buried(&self, gateway: GatewayId, now: Timestamp) -> RedisResult<()> {
        let (gateway, now) = (gateway.to_string(), now.timestamp_millis());
        let mut pipe = redis::pipe();
        pipe.atomic();
        pipe.cmd("ZADD").arg(GATEWAYS_LEFT).arg(now).arg(&gateway).ignore();
        pipe.cmd("ZREM").arg(GATEWAYS_GONE).arg(&gateway).ignore();
        let old = now.saturating_sub(LEFT_KEPT_MS);
        pipe.cmd("ZREMRANGEBYSCORE").arg(GATEWAYS_LEFT).arg("-inf").arg(old).ignore();
        pipe.query_async(&mut self.redis.clone()).await
    }

    /// Whether a gateway drew for an org within the last day.
    pub async fn has_drawn(&self, org: OrgId, gateway: GatewayId) -> RedisResult<bool> {
        let mut there = redis::cmd("HEXISTS");
        there.arg(channel::limits_drawn_by(org)).arg(gateway.to_string());
        there.query_async(&mut self.redis.clone()).await
    }

    /// Sets what a gateway that is gone has of counters.
    pub async fn set(
        &self,
        org: OrgId,
        gateway: GatewayId,
        exact: &[(String, i64)],
    ) -> RedisResult<()> {
        for part in exact.chunks(RAISED_MAX) {
            let mut call = self.set.prepare_invoke();
            call.key(channel::limits_drawn_by(org)).arg(gateway.to_string());
            for (key, used) in part {
                call.key(key).arg(*used);
            }
            call.invoke_async::<i64>(&mut self.redis.clone()).await?;
        }
        Ok(())
    }

    /// The time there where the counters of an org are.
    pub async fn time(&self, org: OrgId) -> RedisResult<Timestamp> {
        Ok(match self.look(org).await? {
            Look::Complete { now_ms } | Look::Incomplete { now_ms, .. } => {
                Timestamp::from_timestamp_millis(now_ms).unwrap_or_default()
            }
        })
    }

    /// What a gateway has of a sliding limit, in any bucket.
    pub async fn slides(&self, key: &str) -> RedisResult<Vec<String>> {
        redis::cmd("HKEYS").arg(key).query_async(&mut self.redis.clone()).await
    }

    /// Names the run of the server that has the configuration: another one has lost something.
    pub async fn run(&self) -> RedisResult<String> {
        let script = Script::new(
            "redis.call('EXISTS', KEYS[1])
             return string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')",
        );
        let mut call = script.prepare_invoke();
        call.key(channel::VERSION);
        call.invoke_async(&mut self.redis.clone()).await
    }
}
