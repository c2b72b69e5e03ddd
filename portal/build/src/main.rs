//! Builds what the browser loads into `portal/dist`: the islands' wasm and its glue, the boot
//! script and the stylesheet, each named by its content, with brotli and gzip twins and a
//! manifest that the portal server reads. What is up to date is left alone.

mod bundle;
mod islands;
mod node;
mod style;

use anyhow::{Context as _, Result};
use bundle::Bundle;
use clap::Parser;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Build the portal's browser assets.
#[derive(Debug, Parser)]
struct Options {
    /// The portal's folder; holds package.json, style/ and dist/.
    #[arg(long, default_value_os_t = portal_folder())]
    portal: PathBuf,
    /// Rebuild everything.
    #[arg(long)]
    force: bool,
}

fn portal_folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

fn main() -> ExitCode {
    match build(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("{error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn build(options: &Options) -> Result<()> {
    let mut bundle = Bundle::open(&options.portal.join("dist"), options.force)?;
    node::install(&options.portal)?;
    style::build(&options.portal, &mut bundle)?;
    islands::build(&options.portal, &mut bundle)?;
    bundle.close().context("cannot write portal/dist")?;
    Ok(())
}

/// One line of progress on stderr.
pub(crate) fn say(line: &str) {
    // Progress is a courtesy: a closed stderr must not fail the build.
    let _ = writeln!(std::io::stderr(), "portal-build: {line}");
}
