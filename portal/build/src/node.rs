//! The tools that come through npm, pinned by package-lock.json.

use crate::say;
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs what the lockfile names unless that is already there.
pub fn install(portal: &Path) -> Result<()> {
    let lock = portal.join("package-lock.json");
    let stamp = portal.join("node_modules").join(".installed");
    let wanted = std::fs::read(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let wanted = blake3::hash(&wanted).to_hex().to_string();
    if std::fs::read_to_string(&stamp).is_ok_and(|known| known == wanted) {
        return Ok(());
    }
    say("installing the style and wasm tools from npm");
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel", "error"])
        .current_dir(portal)
        .status()
        .context(
            "cannot start npm; install Node.js 20 or newer (Debian: apt install nodejs npm)",
        )?;
    if !status.success() {
        bail!("npm ci failed in {}", portal.display());
    }
    std::fs::write(&stamp, wanted).context("cannot note what npm installed")
}

/// The path of an installed tool.
pub fn tool(portal: &Path, name: &str) -> Option<PathBuf> {
    let path = portal.join("node_modules").join(".bin").join(name);
    path.exists().then_some(path)
}
