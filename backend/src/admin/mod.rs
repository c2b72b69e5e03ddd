//! Commands for whoever runs the platform, at a terminal of the server: what the API does not
//! offer, or offers only to somebody who can sign in.

mod operator;
mod publish_status;
mod reconcile;
mod seed_demo;
mod verify_audit;

use crate::app::App;
use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Say how far the configuration has come on its way to the gateways. Exits with 1 while it is
    /// behind.
    PublishStatus,
    /// Send the whole configuration to Redis again; gateways reload.
    Rebuild,
    /// Compare ledger, usage events and rollups of every org. Exits with 1 on any difference.
    Reconcile,
    /// Prove that no entry of any audit log was edited or removed. Exits with 1 if one was.
    VerifyAudit,
    /// Make somebody who has signed up one of the platform's operators.
    MakeOperator {
        /// Their address.
        #[arg(long)]
        email: String,
    },
    /// Fill the installation with orgs, people, models and a month of use to look at.
    SeedDemo(seed_demo::SeedDemo),
}

/// Runs a command, writing its findings to `out`. False when it found something wrong.
///
/// # Errors
/// Postgres or Redis cannot be reached; `out` cannot be written.
pub async fn run(
    app: &App,
    command: Command,
    out: &mut (impl std::io::Write + Send),
) -> anyhow::Result<bool> {
    match command {
        Command::PublishStatus => publish_status::run(app, out).await,
        Command::Rebuild => publish_status::rebuild(app, out).await,
        Command::Reconcile => reconcile::run(app, out).await,
        Command::VerifyAudit => verify_audit::run(app, out).await,
        Command::MakeOperator { email } => operator::run(app, &email, out).await,
        Command::SeedDemo(args) => seed_demo::run(app, args, out).await,
    }
}
