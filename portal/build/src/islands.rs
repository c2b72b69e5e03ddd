//! cargo (wasm32) → wasm-bindgen (as a library, so its version is the one in Cargo.lock) →
//! wasm-opt → `wasm`, `glue` and `boot` in the bundle. Refuses a bundle over its budget.

use crate::bundle::Bundle;
use crate::{node, say};
use anyhow::{Context as _, Result, bail};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use wasm_bindgen_cli_support::Bindgen;

/// Everything a page may load for its islands, compressed. Bytes.
const BUDGET_BYTES: usize = 60 * 1024;
const ROLES: [&str; 3] = ["wasm", "glue", "boot"];
/// What rustc's wasm32 output uses and every current browser has. Not `--all-features`: the
/// optimiser would write encodings that browsers do not read yet.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];
const BOOT: &str = include_str!("boot.js");

pub fn build(portal: &Path, bundle: &mut Bundle) -> Result<()> {
    let raw = compile(portal)?;
    let optimizer = node::tool(portal, "wasm-opt");
    let digest = digest(&raw, optimizer.is_some())?;
    if bundle.has("islands", &digest, &ROLES) {
        say("islands are up to date");
        return Ok(());
    }
    say("binding the islands");
    let work = portal.join("dist").join("work");
    std::fs::create_dir_all(&work)?;
    let built = bind(&raw, &work).and_then(|()| {
        optimize(optimizer.as_deref(), &work.join("islands_bg.wasm"))?;
        pack(&work, bundle)
    });
    std::fs::remove_dir_all(&work)?;
    let size = built?;
    if size > BUDGET_BYTES {
        bail!("the islands take {size} bytes in brotli; the budget is {BUDGET_BYTES}");
    }
    say(&format!("islands: {size} bytes in brotli, budget {BUDGET_BYTES}"));
    bundle.done("islands", digest);
    Ok(())
}

/// Runs cargo and returns the path of the raw wasm, as cargo itself reports it.
fn compile(portal: &Path) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["build", "--profile", "wasm", "--target", "wasm32-unknown-unknown"])
        .args(["--package", "portal-islands", "--message-format", "json-render-diagnostics"])
        .current_dir(portal)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot start cargo")?;
    if !output.status.success() {
        bail!(
            "cargo could not build the islands; when the target is missing: \
             rustup target add wasm32-unknown-unknown"
        );
    }
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .flat_map(|message| file_names(&message))
        .find(|path| path.ends_with("portal_islands.wasm"))
        .context("cargo reported no portal_islands.wasm")
}

fn file_names(message: &serde_json::Value) -> Vec<PathBuf> {
    let names = message.get("filenames").and_then(serde_json::Value::as_array);
    names.into_iter().flatten().filter_map(|name| name.as_str().map(PathBuf::from)).collect()
}

fn digest(raw: &Path, optimized: bool) -> Result<String> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&std::fs::read(raw)?).update(BOOT.as_bytes()).update(&[u8::from(optimized)]);
    Ok(hasher.finalize().to_hex().to_string())
}

fn bind(raw: &Path, work: &Path) -> Result<()> {
    let mut bindgen = Bindgen::new();
    bindgen
        .input_path(raw)
        .web(true)?
        .typescript(false)
        .omit_default_module_path(true)
        .remove_name_section(true)
        .remove_producers_section(true)
        .out_name("islands")
        .generate(work)
        .context("wasm-bindgen failed")?;
    // The bundle serves three files; a snippet would be a fourth that nobody names.
    if work.join("snippets").exists() {
        bail!(
            "a dependency of the islands brings its own JavaScript; portal-build has no place for it"
        );
    }
    Ok(())
}

fn optimize(tool: Option<&Path>, wasm: &Path) -> Result<()> {
    let Some(tool) = tool else {
        say("wasm-opt is missing (npm is not installed): the islands stay larger than needed");
        return Ok(());
    };
    say("optimising the islands");
    let status = Command::new(tool)
        .args(FEATURES)
        .args(["-Oz", "--converge", "--strip-debug", "--strip-producers", "-o"])
        .arg(wasm)
        .arg(wasm)
        .status()
        .context("cannot start wasm-opt")?;
    if !status.success() {
        bail!("wasm-opt failed");
    }
    Ok(())
}

/// Adds the three files and returns their size in brotli.
fn pack(work: &Path, bundle: &mut Bundle) -> Result<usize> {
    let (wasm, wasm_size) =
        bundle.add("wasm", "wasm", &std::fs::read(work.join("islands_bg.wasm"))?)?;
    let (glue, glue_size) = bundle.add("glue", "js", &std::fs::read(work.join("islands.js"))?)?;
    let boot = BOOT.replace("GLUE", &format!("./{glue}")).replace("WASM", &format!("./{wasm}"));
    let (_, boot_size) = bundle.add("boot", "js", boot.as_bytes())?;
    Ok(wasm_size + glue_size + boot_size)
}
