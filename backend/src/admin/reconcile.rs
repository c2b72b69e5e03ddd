//! Prints what three sums of the same money say, and where they differ.

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
            Usd(org.receivable),
            Usd(org.rollups)
        )?;
    }
    for difference in &differences {
        writeln!(
            out,
            "DIFFERENCE {}: {} (events {}, receivable {}, revenue {}, rollups {}, in nano-dollars)",
            difference.figures.slug,
            difference.detail,
            difference.figures.events.0,
            difference.figures.receivable.0,
            difference.figures.revenue.0,
            difference.figures.rollups.0
        )?;
    }
    if differences.is_empty() {
        writeln!(out, "{} orgs agree to the nano-dollar", figures.len())?;
    }
    Ok(differences.is_empty())
}
