//! What an earlier process left in the spool: its files, and the calls that it began and never
//! ended.

use super::segment::{self, Form, Kind};
use super::spool::Segment;
use std::collections::{HashMap, HashSet, VecDeque};
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Bytes read at once.
const PART: usize = 1 << 20;

/// What files end with that are written now, and what those of earlier releases end with.
pub(super) const EXTENSION: &str = "spool";
const EXTENSION_PLAIN: &str = "seg";

/// The files of earlier runs, oldest first.
pub(super) fn files(folder: &Path) -> io::Result<VecDeque<Segment>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        let form = match path.extension().and_then(|extension| extension.to_str()) {
            Some(EXTENSION) => number.map(Form::Numbered),
            Some(EXTENSION_PLAIN) => Some(Form::Plain),
            _ => None,
        };
        if let (Some(number), Some(form)) = (number, form) {
            let file = File::open(&path)?;
            let written = file.metadata()?.len();
            let segment = Segment::new(number, Arc::new(file), path, None);
            found.push(Segment { written, form, ..segment });
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

/// Reads all of them, and finds where each ends; those with nothing in them are deleted. A file that
/// cannot be read, or is damaged, tells what it can.
pub(super) fn read(files: &mut VecDeque<Segment>) -> io::Result<Left> {
    let mut left = Left::default();
    let mut ended = HashSet::new();
    let mut begun: HashMap<[u8; 26], Vec<u8>> = HashMap::new();
    for segment in &mut *files {
        let mut from = 0;
        while from < segment.written {
            let read = segment::read_on(segment.readable(), from, segment.written, PART);
            let records = match read {
                Ok(records) => records,
                Err(error) => {
                    let path = segment.path.display();
                    tracing::error!(%error, %path, "a spool file cannot be read");
                    break;
                }
            };
            from += records.consumed;
            if records.ended {
                segment.written = from;
            }
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
    for empty in files.iter().filter(|segment| segment.written == 0) {
        fs::remove_file(&empty.path)?;
    }
    files.retain(|segment| segment.written > 0);
    Ok(left)
}

/// The JSON of an unsettled intent.
pub(super) fn unsettled(out: &mut Vec<u8>, intent: &[u8], ended: bool) {
    out.extend_from_slice(b"{\"intent\":");
    out.extend_from_slice(intent);
    let ended: &[u8] = if ended { b",\"ended\":true}" } else { b",\"ended\":false}" };
    out.extend_from_slice(ended);
}
