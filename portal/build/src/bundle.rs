//! The folder `dist`: content-named files, compressed twins, and `manifest.json`. A part is the
//! set of files built from one digest of inputs; a part with the same digest is not rebuilt.

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// What the portal server reads: which file plays which role.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// Role (`style`, `boot`, `glue`, `wasm`) to file name.
    pub files: BTreeMap<String, String>,
    /// Part to digest of its inputs.
    pub parts: BTreeMap<String, String>,
}

#[derive(Debug)]
pub struct Bundle {
    folder: PathBuf,
    manifest: Manifest,
}

impl Bundle {
    /// Opens `folder`, making it when missing. `force` forgets what was built before.
    pub fn open(folder: &Path, force: bool) -> Result<Self> {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let known = std::fs::read(folder.join("manifest.json")).ok().filter(|_| !force);
        let manifest =
            known.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Ok(Self { folder: folder.to_owned(), manifest })
    }

    /// Is `part` already built from these inputs, with all its files in place?
    pub fn has(&self, part: &str, digest: &str, roles: &[&str]) -> bool {
        let there = |role: &&str| {
            self.manifest.files.get(*role).is_some_and(|name| self.folder.join(name).exists())
        };
        self.manifest.parts.get(part).is_some_and(|known| known == digest)
            && roles.iter().all(there)
    }

    /// Records that `part` now stands for `digest`.
    pub fn done(&mut self, part: &str, digest: String) {
        self.manifest.parts.insert(part.to_owned(), digest);
    }

    /// Writes a file under a name made of its content, with its compressed twins. Returns the
    /// name and the size of the brotli twin in bytes.
    pub fn add(&mut self, role: &str, extension: &str, bytes: &[u8]) -> Result<(String, usize)> {
        let hash = blake3::hash(bytes).to_hex();
        let name = format!("{role}.{}.{extension}", hash.get(..12).unwrap_or(&hash));
        let brotli = brotli_of(bytes)?;
        self.write(&name, bytes)?;
        self.write(&format!("{name}.br"), &brotli)?;
        self.write(&format!("{name}.gz"), &gzip_of(bytes)?)?;
        self.manifest.files.insert(role.to_owned(), name.clone());
        Ok((name, brotli.len()))
    }

    /// Writes the manifest, then removes files that it no longer names.
    pub fn close(self) -> Result<()> {
        let text = serde_json::to_vec_pretty(&self.manifest)?;
        self.write("manifest.json", &text)?;
        let kept: BTreeSet<String> = self
            .manifest
            .files
            .values()
            .flat_map(|name| [name.clone(), format!("{name}.br"), format!("{name}.gz")])
            .chain(["manifest.json".to_owned()])
            .collect();
        for entry in std::fs::read_dir(&self.folder)? {
            let entry = entry?;
            if entry.file_name().to_str().is_none_or(|name| !kept.contains(name)) {
                std::fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Writes beside the target and renames, so that a killed build leaves no half file.
    fn write(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let target = self.folder.join(name);
        let beside = self.folder.join(format!("{name}.part"));
        std::fs::write(&beside, bytes)
            .and_then(|()| std::fs::rename(&beside, &target))
            .with_context(|| format!("cannot write {}", target.display()))
    }
}

fn brotli_of(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut packed = Vec::new();
    let settings = brotli::enc::BrotliEncoderParams { quality: 11, ..Default::default() };
    brotli::BrotliCompress(&mut &bytes[..], &mut packed, &settings)?;
    Ok(packed)
}

fn gzip_of(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_up_to_date_only_with_the_same_inputs_and_all_its_files() {
        let folder = tempfile::tempdir().unwrap();
        let mut bundle = Bundle::open(folder.path(), false).unwrap();
        let (name, _) = bundle.add("style", "css", b"a{}").unwrap();
        bundle.done("style", "1".to_owned());
        bundle.close().unwrap();

        let again = Bundle::open(folder.path(), false).unwrap();
        assert!(again.has("style", "1", &["style"]));
        assert!(!again.has("style", "2", &["style"]));
        assert!(!Bundle::open(folder.path(), true).unwrap().has("style", "1", &["style"]));
        std::fs::remove_file(folder.path().join(name)).unwrap();
        assert!(!again.has("style", "1", &["style"]));
    }

    #[test]
    fn what_the_manifest_no_longer_names_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let mut bundle = Bundle::open(folder.path(), false).unwrap();
        let (old, _) = bundle.add("style", "css", b"a{}").unwrap();
        let (new, _) = bundle.add("style", "css", b"b{}").unwrap();
        bundle.close().unwrap();
        assert!(!folder.path().join(old).exists());
        assert!(folder.path().join(format!("{new}.br")).exists());
    }
}
