//! The last good copy on disk: what a gateway serves when it starts and Redis is gone.
//!
//! Two files. `snapshot` holds the records, credentials still sealed, behind a checksum;
//! `confirmed` says until when it was known to be current. Both are replaced whole, never edited.

use super::{Handle, Snapshot};
use contract::Timestamp;
use contract::channel::Stored;
use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// Changes within this time are written together.
const DEBOUNCE: Duration = Duration::from_secs(1);
/// How often the time of confirmation is written when nothing changes.
const CONFIRM: Duration = Duration::from_secs(15);
const FORM: &str = "tollgate-snapshot-1";

#[derive(Serialize, Deserialize)]
struct Copy {
    version: u64,
    confirmed_at: Timestamp,
    records: Vec<Stored>,
}

#[derive(Serialize, Deserialize)]
struct Confirmed {
    version: u64,
    at: Timestamp,
}

/// Reads the copy in `state` in the place of what `empty` holds, and until when it was known to be
/// current; `None` when there is none, or none that can be trusted.
#[must_use]
pub fn read(state: &Path, empty: &Snapshot) -> Option<(Snapshot, Timestamp)> {
    let path = state.join("snapshot");
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
        Err(error) => {
            tracing::error!(%error, path = %path.display(), "the copy of the configuration cannot be read");
            return None;
        }
    };
    let Some(copy) = decode(&text) else {
        tracing::error!(path = %path.display(), "the copy of the configuration is damaged; ignored");
        return None;
    };
    let confirmed = fs::read(state.join("confirmed"))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Confirmed>(&bytes).ok())
        .filter(|confirmed| confirmed.version == copy.version)
        .map_or(copy.confirmed_at, |confirmed| confirmed.at.max(copy.confirmed_at));
    Some((empty.rebuilt(copy.version, copy.records), confirmed))
}

fn decode(text: &str) -> Option<Copy> {
    let (head, body) = text.split_once('\n')?;
    let sum = head.strip_prefix(FORM)?.trim();
    (blake3::hash(body.as_bytes()).to_hex().as_str() == sum).then_some(())?;
    serde_json::from_str(body).ok()
}

/// Writes the copy.
///
/// # Errors
/// The disk's.
pub fn write(state: &Path, snapshot: &Snapshot, confirmed_at: Timestamp) -> io::Result<()> {
    let copy = Copy { version: snapshot.version(), confirmed_at, records: snapshot.stored() };
    let body = serde_json::to_string(&copy)?;
    let sum = blake3::hash(body.as_bytes()).to_hex();
    replace(&state.join("snapshot"), format!("{FORM} {sum}\n{body}").as_bytes())
}

fn write_confirmed(state: &Path, version: u64, at: Timestamp) -> io::Result<()> {
    replace(&state.join("confirmed"), &serde_json::to_vec(&Confirmed { version, at })?)
}

/// Puts a file in the place of another in one step; readable by its owner only.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)
}

/// Keeps the copy current for ever; run it in the background.
pub async fn keep(state: PathBuf, handle: Handle, changed: Arc<Notify>) {
    let mut written = 0;
    loop {
        if timeout(CONFIRM, changed.notified()).await.is_ok() {
            sleep(DEBOUNCE).await;
        }
        written = save(state.clone(), handle.clone(), written).await;
    }
}

/// Writes what changed since version `written`; says which version is on disk now.
pub async fn save(state: PathBuf, handle: Handle, written: u64) -> u64 {
    let Some(confirmed_at) = handle.confirmed_at() else { return written };
    let snapshot = handle.load();
    let version = snapshot.version();
    // Turning a large snapshot into text takes a while, and the disk may: not on this thread.
    let work = tokio::task::spawn_blocking(move || {
        if version != written {
            write(&state, &snapshot, confirmed_at)?;
        }
        write_confirmed(&state, version, confirmed_at)
    });
    match work.await {
        Ok(Ok(())) => version,
        Ok(Err(error)) => {
            tracing::error!(%error, "the copy of the configuration cannot be written");
            written
        }
        Err(error) => {
            tracing::error!(%error, "writing the copy of the configuration was broken off");
            written
        }
    }
}
