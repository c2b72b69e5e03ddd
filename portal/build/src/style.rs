//! Tailwind over `style/main.css`, which names the Rust sources that use its classes.

use crate::bundle::Bundle;
use crate::{node, say};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

pub fn build(portal: &Path, bundle: &mut Bundle) -> Result<()> {
    let digest = digest(portal)?;
    if bundle.has("style", &digest, &["style"]) {
        say("the stylesheet is up to date");
        return Ok(());
    }
    say("building the stylesheet");
    let tool = node::tool(portal, "tailwindcss").context("npm installed no tailwindcss")?;
    let output = Command::new(tool)
        .args(["--input", "style/main.css", "--minify"])
        .current_dir(portal)
        .output()
        .context("cannot start tailwindcss")?;
    if !output.status.success() || output.stdout.is_empty() {
        bail!("tailwindcss failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let (_, size) = bundle.add("style", "css", &output.stdout)?;
    say(&format!("stylesheet: {size} bytes in brotli"));
    bundle.done("style", digest);
    Ok(())
}

/// Everything the stylesheet depends on: its sources, the tools' versions, every view.
fn digest(portal: &Path) -> Result<String> {
    let mut files = vec![portal.join("package-lock.json")];
    for folder in ["style", "app/src", "server/src"] {
        collect(&portal.join(folder), &mut files)?;
    }
    files.sort();
    let mut hasher = blake3::Hasher::new();
    for file in files {
        hasher.update(file.as_os_str().as_encoded_bytes());
        hasher.update(&std::fs::read(&file)?);
    }
    Ok(hasher.finalize().to_hex().to_string())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
