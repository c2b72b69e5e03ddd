//! How far publishing has come; and doing all of it again.

use crate::app::App;
use crate::publish::{Publisher, Step, Target, status};
use crate::redis_link;
use std::io::Write;
use std::time::Duration;

pub async fn run(app: &App, out: &mut impl Write) -> anyhow::Result<bool> {
    let mut target = Target::new(redis_link::connect(&app.config.redis)?);
    let status = status(app, &mut target).await?;
    writeln!(out, "newest version   {}", status.given)?;
    match status.sent {
        Some(sent) => writeln!(out, "in redis         {sent}")?,
        None => writeln!(out, "in redis         nothing: it was emptied, the publisher rebuilds")?,
    }
    writeln!(out, "changes waiting  {}", status.waiting)?;
    if let Some(oldest) = status.oldest_at {
        writeln!(out, "oldest waits since {}", oldest.to_rfc3339())?;
    }
    for (kind, count) in &status.records {
        writeln!(out, "{:<16} {count}", kind.as_str())?;
    }
    Ok(status.is_current())
}

pub async fn rebuild(app: &App, out: &mut impl Write) -> anyhow::Result<bool> {
    let target = Target::new(redis_link::connect(&app.config.redis)?);
    let mut publisher = Publisher::new(app.clone(), target);
    // Another publisher may hold the place for the length of a step.
    for _ in 0..50 {
        match publisher.rebuild_now().await? {
            Step::Rebuilt(version) => {
                writeln!(out, "published everything as version {version}")?;
                return Ok(true);
            }
            Step::Busy | Step::Idle(_) | Step::Applied(_) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
    writeln!(out, "another publisher was at work all the time; try again")?;
    Ok(false)
}
