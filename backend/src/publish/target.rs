//! The snapshot in Redis: reading its version, applying changes, replacing all of it.
//!
//! Both writes compare the version first and happen whole or not at all, so a publisher that was
//! paused and woke up late can never put an old record over a newer one.

use contract::channel::{CHANGES, CHANGES_MAX, Change, Stored, VERSION, records, records_staging};
use contract::snapshot::{Kind, Record};
use redis::RedisError;
use redis_link::{Lasting, Script};

/// Records sent to the staging hash at a time.
const STAGE_CHUNK: usize = 500;

/// `KEYS`: version, changes, then the records' hash of each change. `ARGV`: the version that must
/// be there, the stream's length, then for each change its version, id, stored record ('' when it
/// is gone) and message. Answers 1, or 0 when another version is there.
const APPLY: &str = r"
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local last = ARGV[1]
for i = 3, #KEYS do
  local a = 3 + (i - 3) * 4
  last = ARGV[a]
  if ARGV[a + 2] == '' then redis.call('HDEL', KEYS[i], ARGV[a + 1])
  else redis.call('HSET', KEYS[i], ARGV[a + 1], ARGV[a + 2]) end
  redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], last .. '-0', 'c', ARGV[a + 3])
end
redis.call('SET', KEYS[1], last)
return 1
";

/// `KEYS`: version, changes, then pairs of staging and live hash. `ARGV`: the version that must be
/// there ('' for none), the new version, the message. Answers 1 or 0 as above.
const REPLACE: &str = r"
local at = redis.call('GET', KEYS[1])
if (at or '') ~= ARGV[1] then return 0 end
for i = 3, #KEYS, 2 do
  if redis.call('EXISTS', KEYS[i]) == 1 then redis.call('RENAME', KEYS[i], KEYS[i + 1])
  else redis.call('DEL', KEYS[i + 1]) end
end
redis.call('DEL', KEYS[2])
redis.call('XADD', KEYS[2], ARGV[2] .. '-0', 'c', ARGV[3])
redis.call('SET', KEYS[1], ARGV[2])
return 1
";

/// Why the snapshot in Redis was not written.
#[derive(Debug, thiserror::Error)]
pub enum TargetError {
    #[error("redis: {0}")]
    Redis(#[from] RedisError),
    #[error("a record does not turn into JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Somebody else published meanwhile, or Redis was emptied; look again.
    #[error("the version in Redis is not the one expected")]
    Moved,
}

/// The snapshot in Redis.
#[derive(Clone)]
pub struct Target {
    redis: Lasting,
}

impl std::fmt::Debug for Target {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Target")
    }
}

impl Target {
    #[must_use]
    pub const fn new(redis: Lasting) -> Self {
        Self { redis }
    }

    /// The way to Redis.
    pub(crate) fn link(&self) -> Lasting {
        self.redis.clone()
    }

    /// The version Redis holds; `None` when it was emptied or the value is not one of ours.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub async fn version(&mut self) -> Result<Option<u64>, TargetError> {
        let text: Option<String> =
            redis::cmd("GET").arg(VERSION).query_async(&mut self.redis).await?;
        Ok(text.and_then(|text| text.parse().ok()))
    }

    /// Applies consecutive `changes` that start right after `expected`.
    ///
    /// # Errors
    /// [`TargetError::Moved`] when Redis does not hold `expected`; nothing was written then.
    pub async fn apply(&mut self, expected: u64, changes: &[Change]) -> Result<(), TargetError> {
        let script = Script::new(APPLY);
        let mut call = script.prepare_invoke();
        call.key(VERSION).key(CHANGES).arg(expected).arg(CHANGES_MAX);
        for change in changes {
            let stored = match &change.record {
                Some(record) => serde_json::to_string(&Stored {
                    version: change.version,
                    record: record.clone(),
                })?,
                None => String::new(),
            };
            call.key(records(change.kind))
                .arg(change.version)
                .arg(&change.id)
                .arg(stored)
                .arg(serde_json::to_string(change)?);
        }
        done(call.invoke_async(&mut self.redis).await?)
    }

    /// Forgets what an earlier, unfinished full publication gathered.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub async fn stage_clear(&mut self) -> Result<(), TargetError> {
        let mut del = redis::cmd("DEL");
        for kind in Kind::ALL {
            del.arg(records_staging(*kind));
        }
        del.query_async::<()>(&mut self.redis).await?;
        Ok(())
    }

    /// Gathers records of a full publication under `version`.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub async fn stage(&mut self, version: u64, list: &[Record]) -> Result<(), TargetError> {
        for chunk in list.chunks(STAGE_CHUNK) {
            let mut pipe = redis::pipe();
            for record in chunk {
                let stored = serde_json::to_string(&Stored { version, record: record.clone() })?;
                pipe.hset(records_staging(record.kind()), record.id(), stored).ignore();
            }
            pipe.query_async::<()>(&mut self.redis).await?;
        }
        Ok(())
    }

    /// Puts what was gathered in the place of everything. `marker` is the one change left in the
    /// stream: its version is not the next one of any reader, so each reader reloads.
    ///
    /// # Errors
    /// [`TargetError::Moved`] when Redis does not hold `expected`; nothing was replaced then.
    pub async fn replace(
        &mut self,
        expected: Option<u64>,
        marker: &Change,
    ) -> Result<(), TargetError> {
        let script = Script::new(REPLACE);
        let mut call = script.prepare_invoke();
        call.key(VERSION)
            .key(CHANGES)
            .arg(expected.map_or_else(String::new, |version| version.to_string()))
            .arg(marker.version)
            .arg(serde_json::to_string(marker)?);
        for kind in Kind::ALL {
            call.key(records_staging(*kind)).key(records(*kind));
        }
        done(call.invoke_async(&mut self.redis).await?)
    }

    /// Records of each kind that Redis holds now, for the operator.
    ///
    /// # Errors
    /// Redis cannot be reached.
    pub async fn counts(&mut self) -> Result<Vec<(Kind, u64)>, TargetError> {
        let mut counts = Vec::new();
        for kind in Kind::ALL {
            let count = redis::cmd("HLEN").arg(records(*kind)).query_async(&mut self.redis).await?;
            counts.push((*kind, count));
        }
        Ok(counts)
    }
}

const fn done(answer: i64) -> Result<(), TargetError> {
    if answer == 1 { Ok(()) } else { Err(TargetError::Moved) }
}
