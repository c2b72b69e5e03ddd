//! `admin seed-demo`: fills an installation with something to look at and to call, through the
//! same functions the API uses. What is there already stays; a second run changes nothing but
//! renews what no longer works (a lost password, a revoked key).

mod catalogue;
mod dialects;
mod file;
mod media;
mod offers;
mod people;
mod upstreams;
mod usage;

use crate::app::App;
use crate::http::ApiError;
use anyhow::Context as _;
use clap::Args;
use std::path::PathBuf;
use url::Url;

#[derive(Debug, Args)]
pub struct SeedDemo {
    /// Where to write who can sign in and which keys work. Readable by its owner only.
    #[arg(long)]
    out: PathBuf,
    /// The model simulator's address.
    #[arg(long, env = "TOLLGATE_SIMULATOR_URL", default_value = "http://127.0.0.1:7103")]
    simulator_url: Url,
    #[command(flatten)]
    upstreams: upstreams::Upstreams,
}

/// Seeds the demo and writes its file.
///
/// # Errors
/// Postgres cannot be reached, or the file cannot be written.
pub async fn run(
    app: &App,
    args: SeedDemo,
    out: &mut (impl std::io::Write + Send),
) -> anyhow::Result<bool> {
    let earlier = file::read(&args.out)?;
    let simulator = catalogue::seed(app, &args.simulator_url).await?;
    dialects::seed(app, &args.simulator_url).await?;
    media::seed(app, &args.simulator_url).await?;
    let mut models = simulator.model_names.clone();
    for upstream in args.upstreams.list(|name| std::env::var(name).ok()) {
        match upstreams::seed(app, &upstream).await {
            Ok(names) => models.extend(names),
            Err(error) => writeln!(out, "{} is not offered: {error:#}", upstream.new.name)?,
        }
    }
    let operator = people::operator(app, &earlier).await?;
    let mut orgs = Vec::new();
    for plan in people::ORGS {
        orgs.push(people::org(app, plan, &earlier, &simulator).await?);
    }
    usage::seed(app, &orgs, &simulator).await?;
    let demo = file::Demo {
        portal_url: text(&app.config.public.portal_url),
        api_url: text(&app.config.public.api_url),
        gateway_url: text(&app.config.public.gateway_url),
        simulator_url: text(&args.simulator_url),
        operator,
        orgs: orgs.into_iter().map(|org| org.shown).collect(),
        models,
    };
    file::write(&args.out, &demo)
        .with_context(|| format!("{} cannot be written", args.out.display()))?;
    writeln!(out, "The demo is seeded; who can sign in is in {}.", args.out.display())?;
    Ok(true)
}

fn text(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

/// A refusal, as somebody at a terminal reads it.
fn refused(error: ApiError) -> anyhow::Error {
    match error {
        ApiError::Refused(refusal) => {
            let fields: Vec<String> =
                refusal.errors.iter().map(|e| format!("{}: {}", e.pointer, e.detail)).collect();
            let told = anyhow::anyhow!("{} {}", refusal.detail, fields.join("; "));
            refusal
                .cause
                .map_or_else(|| told.context(refusal.code), |cause| cause.context(refusal.code))
        }
        ApiError::Answered(_) => anyhow::anyhow!("the same was asked before"),
    }
}
