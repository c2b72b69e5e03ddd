//! What an earlier process left in the spool: its files, and the calls that it began and never
//! ended.

use super::segment::{self, Kind};
use super::spool::Segment;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Bytes read at once.
const PART: usize = 1 << 20;

/// The files of earlier runs, oldest first.
pub(super) fn files(folder: &Path) -> io::Result<VecDeque<Segment>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        let is_segment = path.extension().is_some_and(|extension| extension == "seg");
        if let (Some(number), true) = (number, is_segment) {
            let file = File::open(&path)?;
            let written = file.metadata()?.len();
            if written == 0 {
                fs::remove_file(&path)?;
                continue;
            }
            found.push(Segment { written, ..Segment::new(number, Arc::new(file), path, None) });
        }
    }
    found.sort_by_key(|segment| segment.number);
    Ok(found.into())
}

/// What is in them.
#[derive(Debug, Default)]
pub(super) struct Left {
    /// Records for the backend.
    pub events: u64,
    /// The JSON of each intent that nothing ended.
    pub unsettled: Vec<Vec<u8>>,
}

/// Reads all of them. A file that cannot be read, or is damaged, tells what it can.
pub(super) fn read(files: &VecDeque<Segment>) -> Left {
    let mut left = Left::default();
    let mut ended = HashSet::new();
    let mut begun: HashMap<[u8; 26], Vec<u8>> = HashMap::new();
    for segment in files {
        let mut from = 0;
        while from < segment.written {
            let records = match segment::read(&segment.file, from, segment.written, PART) {
                Ok(records) => records,
                Err(error) => {
                    let path = segment.path.display();
                    tracing::error!(%error, %path, "a spool file cannot be read");
                    break;
                }
            };
            from += records.consumed;
            for body in records.bodies() {
                let (kind, text) = segment::open(body);
                left.events += u64::from(matches!(kind, Kind::Event | Kind::Unsettled));
                let Some(request) = segment::request(body) else { continue };
                if kind == Kind::Intent {
                    begun.insert(request, text.to_vec());
                } else {
                    ended.insert(request);
                }
            }
        }
    }
    begun.retain(|request, _| !ended.contains(request));
    left.unsettled = begun.into_values().collect();
    left
}

/// The JSON of an unsettled intent.
pub(super) fn unsettled(out: &mut Vec<u8>, intent: &[u8], ended: bool) {
    out.extend_from_slice(b"{\"intent\":");
    out.extend_from_slice(intent);
    let ended: &[u8] = if ended { b",\"ended\":true}" } else { b",\"ended\":false}" };
    out.extend_from_slice(ended);
}
