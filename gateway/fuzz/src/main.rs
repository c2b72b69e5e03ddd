//! The long run of one target, led by coverage. libFuzzer's own options apply, and two variables:
//! `FUZZ_TARGET`, whose absence lists the targets, and `FUZZ_SEEDS`, a folder to write the seeds to.

#![no_main]

use fuzz::{Target, seeds};
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::OnceLock;

static TARGET: OnceLock<Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(init: begin(), |input: &[u8]| {
    if let Some(target) = TARGET.get() {
        target.run(input);
    }
});

fn begin() {
    let name = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let Some(target) = Target::parse(&name) else {
        std::process::exit(i32::from(list().is_err() || !name.is_empty()));
    };
    if let Some(folder) = std::env::var_os("FUZZ_SEEDS")
        && let Err(error) = write_seeds(&PathBuf::from(folder), target)
    {
        let _ = writeln!(io::stderr(), "the seeds of {name} cannot be written: {error}");
        std::process::exit(1);
    }
    TARGET.get_or_init(|| target);
}

fn list() -> io::Result<()> {
    let names: Vec<String> = Target::all().into_iter().map(Target::name).collect();
    writeln!(io::stdout(), "{}", names.join("\n"))
}

fn write_seeds(folder: &std::path::Path, target: Target) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (n, seed) in seeds::of(target).iter().enumerate() {
        std::fs::write(folder.join(n.to_string()), seed)?;
    }
    Ok(())
}
