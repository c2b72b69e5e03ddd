//! The gateways that used this state folder before: when the backend has everything that they
//! recorded, it is told so, and what they had of limits and did not use is free again. One that is
//! told to stop says it of itself, so that nobody waits for it.

use crate::clock::Clock;
use crate::link::Link;
use crate::settle::Settle;
use contract::channel::{GATEWAYS_GONE, GATEWAYS_LEFT};
use contract::id::GatewayId;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::time::sleep;

const PAUSE: Duration = Duration::from_secs(1);

/// Those of whom the backend was not told yet.
#[derive(Debug, Clone)]
pub struct Former {
    file: PathBuf,
    own: GatewayId,
    gone: Vec<GatewayId>,
}

impl Former {
    /// Reads whose the folder was, and writes down whose it is now.
    ///
    /// # Errors
    /// The folder cannot be read or written.
    pub fn take_over(state: &Path, own: GatewayId) -> io::Result<Self> {
        let file = state.join("gateways");
        let text = match std::fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            other => other?,
        };
        // A line that is no id was not written whole: its process did nothing yet.
        let gone: Vec<GatewayId> = text.lines().filter_map(|line| line.parse().ok()).collect();
        let former = Self { file, own, gone };
        former.write()?;
        Ok(former)
    }

    /// Whole or not at all.
    fn write(&self) -> io::Result<()> {
        let ids = self.gone.iter().chain([&self.own]);
        let text: String = ids.map(|id| format!("{id}\n")).collect();
        let next = self.file.with_extension("next");
        let mut file = OpenOptions::new();
        let mut file = file.write(true).create(true).truncate(true).mode(0o600).open(&next)?;
        file.write_all(text.as_bytes())?;
        std::fs::rename(&next, &self.file)
    }

    /// Says that they are gone as soon as the backend has taken what they recorded, and again until it
    /// has acted on it: Redis may forget what it was told. Never ends.
    pub async fn say(mut self, settle: Settle, clock: Clock, mut link: Link) {
        while !self.gone.is_empty() {
            if settle.is_earlier_taken()
                && let Ok(left) = self.say_once(clock.now().timestamp_millis(), &mut link).await
                && !left.is_empty()
            {
                self.gone.retain(|id| !left.contains(id));
                if let Err(error) = self.write() {
                    // They are said to be gone once more by the next process: no harm.
                    tracing::warn!(%error, "the list of former gateways stays");
                }
            }
            sleep(PAUSE).await;
        }
        // Nothing of the background ends by itself.
        std::future::pending().await
    }

    /// Says that this process is gone, too: it draws no more, and the backend has all that it recorded.
    /// The next process says so again, in case nobody heard it.
    ///
    /// # Errors
    /// Redis was not told.
    pub async fn leave(&self, clock: &Clock, link: &mut Link) -> redis::RedisResult<()> {
        let all = self.gone.iter().copied().chain([self.own]);
        tell(all, clock.now().timestamp_millis(), link).await
    }

    /// Answers those that the backend is through with; of the others it is told.
    async fn say_once(&self, now_ms: i64, link: &mut Link) -> redis::RedisResult<Vec<GatewayId>> {
        let mut ask = redis::pipe();
        for id in &self.gone {
            ask.cmd("ZSCORE").arg(GATEWAYS_LEFT).arg(id.to_string());
        }
        let scores: Vec<Option<f64>> =
            link.run(|mut to| async move { ask.query_async(&mut to).await }).await?;
        let all = self.gone.iter().copied().zip(scores);
        let (left, here): (Vec<_>, Vec<_>) = all.partition(|(_, score)| score.is_some());
        if !here.is_empty() {
            tell(here.into_iter().map(|(id, _)| id), now_ms, link).await?;
        }
        Ok(left.into_iter().map(|(id, _)| id).collect())
    }
}

async fn tell(
    gone: impl Iterator<Item = GatewayId>,
    now_ms: i64,
    link: &mut Link,
) -> redis::RedisResult<()> {
    let mut say = redis::cmd("ZADD");
    say.arg(GATEWAYS_GONE);
    for id in gone {
        say.arg(now_ms).arg(id.to_string());
    }
    link.run(|mut to| async move { say.query_async(&mut to).await }).await
}
