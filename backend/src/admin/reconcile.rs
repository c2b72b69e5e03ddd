//! Prints what several sums of the same money say, and where they differ.

use crate::app::App;
use crate::billing::reconcile;
use contract::money::Usd;
use std::io::Write;

pub async fn run(app: &App, out: &mut impl Write) -> anyhow::Result<bool> {
    let (figures, differences) = reconcile(app).await?;
    for org in &figures {
        writeln!(
            out,
            "{:<40} events {} ledger {} rollups {}",
            org.slug,
            Usd(org.events),
            Usd(org.paid),
            Usd(org.rollups)
        )?;
    }
    for difference in &differences {
        writeln!(out, "DIFFERENCE {}: {}", difference.slug, difference.detail)?;
    }
    if differences.is_empty() {
        writeln!(out, "{} orgs agree to the nano-dollar", figures.len())?;
    }
    Ok(differences.is_empty())
}
