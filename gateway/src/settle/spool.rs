//! The spool: append-only files in the gateway's state folder. Each thread writes a file of its
//! own with one write(2) an event, so an event survives the end of the process. What must stay
//! true: an event leaves the disk only when the backend has taken it out of Redis, so a Redis that
//! loses its memory loses no usage.

use super::segment;
use crate::telemetry::{Count, Telemetry, slot};
use contract::usage::UsageEvent;
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A file longer than this is closed and another begun.
const SEGMENT_MAX: u64 = 2 << 20;
/// Kept on disk so that calls under way can still record when the disk fills up.
const BALLAST: usize = 1 << 20;

/// Usage cannot be recorded: `service.spool_full`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SpoolFull {
    #[error("the usage spool has reached its size limit")]
    Limit,
    #[error("the disk of the usage spool does not take writes")]
    Disk,
}

/// Why the spool cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    #[error(
        "cannot use the spool folder {path}: {source}; give TOLLGATE_GATEWAY_STATE a writable folder"
    )]
    Folder { path: PathBuf, source: io::Error },
    #[error("another gateway uses {path}; give each gateway a TOLLGATE_GATEWAY_STATE of its own")]
    InUse { path: PathBuf },
}

/// Records usage. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Settle(pub(super) Arc<Spool>);

/// How much waits in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Events that Redis does not have.
    pub events: u64,
    /// On disk, with what Redis has and the backend has not taken yet.
    pub bytes: u64,
}

#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    bytes_max: u64,
    writers: Box<[Mutex<Writer>]>,
    closed: Mutex<VecDeque<Segment>>,
    next: AtomicU64,
    bytes: AtomicU64,
    events: AtomicU64,
    disk_failed: AtomicBool,
    telemetry: Arc<Telemetry>,
    /// Held as long as the spool is used.
    _lock: File,
}

#[derive(Debug, Default)]
struct Writer {
    buffer: Vec<u8>,
    open: Option<Segment>,
}

/// One file.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub number: u64,
    pub file: Arc<File>,
    pub path: PathBuf,
    pub written: u64,
    /// Redis has everything before this.
    pub shipped: u64,
    /// The backend has taken everything before this out of Redis.
    pub taken: u64,
    /// Something in it could not be read: it is put aside, not deleted.
    pub damaged: bool,
}

impl Settle {
    /// Opens the spool in `state`, with everything an earlier process left there.
    ///
    /// # Errors
    /// The folder cannot be written, or another process uses it.
    pub fn open(
        state: &Path,
        bytes_max: u64,
        threads: usize,
        telemetry: Arc<Telemetry>,
    ) -> Result<Self, SpoolError> {
        let folder = state.join("spool");
        let fail = |source| SpoolError::Folder { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(fail)?;
        let lock = File::create(folder.join("lock")).map_err(fail)?;
        lock.try_lock().map_err(|_| SpoolError::InUse { path: folder.clone() })?;
        let closed = leftovers(&folder).map_err(fail)?;
        let bytes = closed.iter().map(|segment| segment.written).sum();
        let events = closed.iter().map(|s| segment::count(&s.file, s.written)).sum();
        let next = closed.back().map_or(1, |last| last.number + 1);
        let spool = Spool {
            folder,
            bytes_max,
            writers: (0..threads.max(1)).map(|_| Mutex::default()).collect(),
            closed: Mutex::new(closed),
            next: AtomicU64::new(next),
            bytes: AtomicU64::new(bytes),
            events: AtomicU64::new(events),
            disk_failed: AtomicBool::new(false),
            telemetry,
            _lock: lock,
        };
        spool
            .make_ballast()
            .map_err(|source| SpoolError::Folder { path: spool.folder.clone(), source })?;
        if events > 0 {
            tracing::info!(events, bytes, "usage events of an earlier run will be shipped");
        }
        Ok(Self(Arc::new(spool)))
    }

    /// Writes an event down. When this returns, the event survives the end of the process.
    ///
    /// # Errors
    /// [`SpoolFull`]; nothing of the event is kept then.
    pub fn record(&self, event: &UsageEvent) -> Result<(), SpoolFull> {
        let written = self.0.record(event);
        let count = if written.is_ok() { Count::SpoolRecorded } else { Count::SpoolRefused };
        self.0.telemetry.count(count, 1);
        written
    }

    /// Whether new work may start. Turns false while there is still room for calls under way.
    #[must_use]
    pub fn writable(&self) -> bool {
        let spool = &self.0;
        !spool.disk_failed.load(Ordering::Relaxed)
            && spool.bytes.load(Ordering::Relaxed) <= spool.bytes_max - spool.bytes_max / 10
    }

    #[must_use]
    pub fn depth(&self) -> Depth {
        Depth {
            events: self.0.events.load(Ordering::Relaxed),
            bytes: self.0.bytes.load(Ordering::Relaxed),
        }
    }
}

impl Spool {
    fn record(&self, event: &UsageEvent) -> Result<(), SpoolFull> {
        let place = slot() % self.writers.len().max(1);
        let Some(writer) = self.writers.get(place) else { return Err(SpoolFull::Disk) };
        let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
        let Writer { buffer, open } = &mut *writer;
        segment::encode(buffer, |out| event.write_json(out));
        let length = buffer.len() as u64;
        if self.bytes.load(Ordering::Relaxed).saturating_add(length) > self.bytes_max {
            return Err(SpoolFull::Limit);
        }
        if open.as_ref().is_some_and(|s| s.written.saturating_add(length) > SEGMENT_MAX) {
            self.closed().extend(open.take());
        }
        if let Err(error) = self.append(open, buffer) {
            self.disk_failed.store(true, Ordering::Relaxed);
            tracing::error!(%error, "the usage spool cannot be written; using the reserve");
            // What the reserve frees is for calls that were admitted before the disk was full.
            fs::remove_file(self.folder.join("ballast")).unwrap_or_default();
            self.append(open, buffer).map_err(|_| SpoolFull::Disk)?;
        }
        self.bytes.fetch_add(length, Ordering::Relaxed);
        self.events.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn append(&self, open: &mut Option<Segment>, bytes: &[u8]) -> io::Result<()> {
        let segment = match open {
            Some(segment) => segment,
            None => open.insert(self.create()?),
        };
        if let Err(error) = (&*segment.file).write_all(bytes) {
            // Take back what was half written; if even that fails, leave the file: its reader
            // stops at the torn place.
            if segment.file.set_len(segment.written).is_err() {
                self.closed().extend(open.take());
            }
            return Err(error);
        }
        segment.written += bytes.len() as u64;
        Ok(())
    }

    fn create(&self) -> io::Result<Segment> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{number:020}.seg"));
        let file = OpenOptions::new().create_new(true).append(true).read(true).open(&path)?;
        Ok(Segment {
            number,
            file: Arc::new(file),
            path,
            written: 0,
            shipped: 0,
            taken: 0,
            damaged: false,
        })
    }

    fn make_ballast(&self) -> io::Result<()> {
        let path = self.folder.join("ballast");
        if fs::metadata(&path).is_ok_and(|meta| meta.len() == BALLAST as u64) {
            return Ok(());
        }
        fs::write(&path, vec![0; BALLAST])
    }

    fn closed(&self) -> MutexGuard<'_, VecDeque<Segment>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks whether a disk that failed takes writes again.
    pub(super) fn mend(&self) {
        if self.disk_failed.load(Ordering::Relaxed) && self.make_ballast().is_ok() {
            self.disk_failed.store(false, Ordering::Relaxed);
            tracing::info!("the usage spool can be written again");
        }
    }

    /// Whether what Redis already has should make room for what it does not have.
    pub(super) fn is_crowded(&self) -> bool {
        self.disk_failed.load(Ordering::Relaxed)
            || self.bytes.load(Ordering::Relaxed) > self.bytes_max / 2
    }

    /// The files with something to ship, as they are now: closed ones first, oldest first.
    pub(super) fn due(&self) -> Vec<Segment> {
        let mut due: Vec<Segment> = self.closed().iter().cloned().collect();
        for writer in &self.writers {
            let writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            due.extend(writer.open.clone());
        }
        due.retain(|segment| segment.shipped < segment.written);
        due
    }

    /// Redis has `events` of the file, up to `shipped`.
    pub(super) fn shipped(&self, number: u64, shipped: u64, events: u64, damaged: bool) {
        // Only a gauge: damage may have been counted as events at the start.
        let less = |now: u64| Some(now.saturating_sub(events));
        self.events.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).unwrap_or_default();
        self.change(number, |segment| {
            segment.shipped = shipped;
            segment.damaged |= damaged;
        });
    }

    /// The backend has taken everything of the file up to `taken`.
    pub(super) fn taken(&self, number: u64, taken: u64) {
        self.change(number, |segment| segment.taken = taken);
    }

    /// Redis lost what it had of the file: `events` are to be shipped again.
    pub(super) fn lost(&self, number: u64, events: u64) {
        self.events.fetch_add(events, Ordering::Relaxed);
        self.change(number, |segment| segment.shipped = segment.taken);
    }

    /// Changes what is known of a file. One that is through is deleted, or emptied when a thread
    /// still writes to it.
    fn change(&self, number: u64, change: impl Fn(&mut Segment)) {
        for writer in &self.writers {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(open) = writer.open.as_mut().filter(|open| open.number == number) {
                change(open);
                if open.taken == open.written && !open.damaged && open.file.set_len(0).is_ok() {
                    self.bytes.fetch_sub(open.written, Ordering::Relaxed);
                    (open.written, open.shipped, open.taken) = (0, 0, 0);
                }
                return;
            }
        }
        let mut closed = self.closed();
        let Some(place) = closed.iter().position(|segment| segment.number == number) else {
            return;
        };
        if let Some(segment) = closed.get_mut(place) {
            change(segment);
            if segment.taken < segment.written {
                return;
            }
            let gone = if segment.damaged {
                fs::rename(&segment.path, segment.path.with_extension("damaged"))
            } else {
                fs::remove_file(&segment.path)
            };
            if let Err(error) = gone {
                tracing::error!(%error, path = %segment.path.display(), "a finished spool file stays");
            }
            self.bytes.fetch_sub(segment.written, Ordering::Relaxed);
            closed.remove(place);
        }
    }
}

/// The files of earlier runs, oldest first.
fn leftovers(folder: &Path) -> io::Result<VecDeque<Segment>> {
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
            let file = Arc::new(file);
            found.push(Segment {
                number,
                file,
                path,
                written,
                shipped: 0,
                taken: 0,
                damaged: false,
            });
        }
    }
    found.sort_by_key(|segment| segment.number);
    Ok(found.into())
}
