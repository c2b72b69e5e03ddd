//! How far publishing has come, for an operator.

use super::step::PublishError;
use super::target::Target;
use crate::app::App;
use crate::db::Tx as _;
use contract::Timestamp;
use contract::snapshot::Kind;

/// Where Postgres and Redis stand.
#[derive(Debug)]
pub struct Status {
    /// The newest version given.
    pub given: u64,
    /// The version Redis holds; `None` when it was emptied.
    pub sent: Option<u64>,
    /// Changes not yet sent.
    pub waiting: u64,
    /// When the oldest of them was made.
    pub oldest_at: Option<Timestamp>,
    /// Records that Redis holds, by kind.
    pub records: Vec<(Kind, u64)>,
}

impl Status {
    /// Whether gateways can know everything.
    #[must_use]
    pub fn is_current(&self) -> bool {
        self.waiting == 0 && self.sent == Some(self.given)
    }
}

/// Reads both.
///
/// # Errors
/// Postgres or Redis cannot be reached.
pub async fn status(app: &App, target: &mut Target) -> Result<Status, PublishError> {
    let mut tx = app.system_tx("publish-status", "an operator asks how far publishing is").await?;
    let row = sqlx::query!(
        r#"select version as given, (select count(*) from outbox) as "waiting!",
             (select min(created_at) from outbox) as oldest_at
           from config_versions"#
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Status {
        given: row.given.unsigned_abs(),
        waiting: row.waiting.unsigned_abs(),
        oldest_at: row.oldest_at,
        sent: target.version().await?,
        records: target.counts().await?,
    })
}
