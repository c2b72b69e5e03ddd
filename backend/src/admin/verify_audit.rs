//! Proves that no entry of any audit log was edited or removed.

use crate::app::App;
use crate::audit;
use std::io::Write;

pub async fn run(app: &App, out: &mut impl Write) -> anyhow::Result<bool> {
    let verdicts = audit::verify(app).await.map_err(|e| anyhow::anyhow!("{e:?}"))?;
    for verdict in &verdicts {
        let whose = verdict.org.map_or_else(|| "platform".to_owned(), |org| org.to_string());
        match verdict.broken_at {
            None => writeln!(out, "{whose}: {} entries, whole", verdict.entries)?,
            Some(seq) => writeln!(out, "{whose}: BROKEN at entry {seq}")?,
        }
    }
    Ok(verdicts.iter().all(|v| v.broken_at.is_none()))
}
