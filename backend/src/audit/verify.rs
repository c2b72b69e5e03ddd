//! Proves that no entry was edited, removed or slipped in.

use super::store;
use crate::app::App;
use crate::http::Result;
use contract::id::OrgId;

const BATCH: i64 = 1000;

/// What became of one chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// `None`: the platform's own.
    pub org: Option<OrgId>,
    /// Entries that are as they were written.
    pub entries: u64,
    /// The place of the first that is not.
    pub broken_at: Option<i64>,
}

/// Checks every chain. What it cannot see is entries missing at the very end: keep the last hash
/// somewhere else to see those.
///
/// # Errors
/// Postgres is not reachable.
pub async fn verify(app: &App) -> Result<Vec<Verdict>> {
    let mut tx = app.system_tx("audit", "verify every chain").await?;
    let mut verdicts = Vec::new();
    for org in store::list_chains(&mut tx).await? {
        let mut verdict = Verdict { org, entries: 0, broken_at: None };
        let (mut seq, mut previous) = (0, Vec::new());
        'chain: loop {
            let batch = store::list_chain(&mut tx, org, seq, BATCH).await?;
            if batch.is_empty() {
                break;
            }
            for entry in batch {
                let expected = entry.link().hash(&previous)?;
                if entry.seq != seq + 1 || entry.hash != expected {
                    verdict.broken_at = Some(seq + 1);
                    break 'chain;
                }
                (seq, previous) = (entry.seq, entry.hash);
                verdict.entries += 1;
            }
        }
        verdicts.push(verdict);
    }
    Ok(verdicts)
}
