//! The spool: append-only files in the gateway's state folder. Each thread writes files of its own
//! with one pwrite(2) a record, so a record survives the end of the process. A file that is through is
//! written again under another number: a write over what is there costs half of one that makes a
//! file longer. What must stay true: a call that may cost is on disk as begun before it is made, and
//! as ended once it is; an event leaves the disk only when the backend has taken it out of Redis, and
//! never before its intent, so a Redis that loses its memory loses no usage and a process that dies
//! no call.

use super::intent::{Intent, Intents, Place};
use super::leftover::{self, EXTENSION};
use super::segment::{self, END, Form, Kind, Written};
use crate::telemetry::{Count, Telemetry, slot};
use contract::id::RequestId;
use contract::usage::{UsageEvent, UsageIntent};
use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A file longer than this is closed and another begun.
const SEGMENT_MAX: u64 = 2 << 20;
/// Room that each call under way has for its event.
const EVENT_ROOM: u64 = 4 << 10;
/// Kept on disk for each thread, so that calls under way can still record when the disk fills up.
const BALLAST: usize = 4 << 20;
/// Files that are through and wait to be written again, for each thread.
const SPARE_MAX: usize = 4;

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

/// Records what calls use. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Settle(pub(super) Arc<Spool>);

/// How much waits in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Events, and ends that nobody saw, that Redis does not have.
    pub events: u64,
    /// Calls under way, which have an intent and no event.
    pub intents: u64,
    /// On disk, with what Redis has and the backend has not taken yet.
    pub bytes: u64,
}

#[derive(Debug)]
pub(super) struct Spool {
    folder: PathBuf,
    bytes_max: u64,
    pub(super) writers: Box<[Mutex<Writer>]>,
    closed: Mutex<VecDeque<Segment>>,
    /// Files to be written again: empty, as a reader sees them.
    spare: Mutex<Vec<Segment>>,
    next: AtomicU64,
    pub(super) bytes: AtomicU64,
    events: AtomicU64,
    intents: AtomicU64,
    disk_failed: AtomicBool,
    telemetry: Arc<Telemetry>,
    /// Held as long as the spool is used.
    _lock: File,
}

#[derive(Debug, Default)]
pub(super) struct Writer {
    buffer: Vec<u8>,
    pub open: Option<Segment>,
    pub intents: Intents,
    /// Records that no disk took, with the intents that they end: written as soon as one does.
    waiting: Vec<(usize, Kind, Vec<u8>)>,
}

/// One file.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub number: u64,
    pub file: Arc<File>,
    pub form: Form,
    pub path: PathBuf,
    pub written: u64,
    /// Redis has everything before this.
    pub shipped: u64,
    /// The backend has taken everything before this out of Redis.
    pub taken: u64,
    /// Something in it could not be read: it is put aside, not deleted.
    pub damaged: bool,
    /// Whose it is; absent: an earlier process'.
    pub writer: Option<usize>,
}

impl Segment {
    pub const fn new(number: u64, file: Arc<File>, path: PathBuf, writer: Option<usize>) -> Self {
        let form = Form::Numbered(number);
        Self { number, file, form, path, written: 0, shipped: 0, taken: 0, damaged: false, writer }
    }

    pub fn readable(&self) -> Written<'_> {
        (&self.file, self.form)
    }
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
        let mut closed = leftover::files(&folder).map_err(fail)?;
        let next = closed.back().map_or(1, |last| last.number + 1);
        let left = leftover::read(&mut closed).map_err(fail)?;
        let spool = Spool {
            folder: folder.clone(),
            bytes_max,
            writers: (0..threads.max(1)).map(|_| Mutex::default()).collect(),
            bytes: AtomicU64::new(closed.iter().map(|segment| segment.written).sum()),
            closed: Mutex::new(closed),
            spare: Mutex::default(),
            next: AtomicU64::new(next),
            events: AtomicU64::new(left.events),
            intents: AtomicU64::new(0),
            disk_failed: AtomicBool::new(false),
            telemetry,
            _lock: lock,
        };
        spool.end_all(&left.unsettled).map_err(fail)?;
        spool.make_ballast().map_err(fail)?;
        if left.events > 0 || !left.unsettled.is_empty() {
            let (events, unsettled) = (left.events, left.unsettled.len());
            tracing::info!(events, unsettled, "what an earlier run left will be shipped");
        }
        Ok(Self(Arc::new(spool)))
    }

    /// Writes down that a call is about to be made. When this returns, the call is known whatever
    /// becomes of the process, and there is room for its event.
    ///
    /// # Errors
    /// [`SpoolFull`]; the call must not be made.
    pub fn intend(&self, intent: &UsageIntent) -> Result<Intent, SpoolFull> {
        let intended = self.0.intend(intent);
        if intended.is_err() {
            self.0.telemetry.count(Count::SpoolRefused, 1);
        }
        intended
    }

    /// Writes down that more is held for a call. A disk that does not take it leaves what was
    /// written before.
    pub fn intend_more(&self, of: &Intent, intent: &UsageIntent) {
        self.0.intend_more(of, intent);
    }

    /// Writes a call's event down. When this returns, the event survives the end of the process;
    /// where no disk takes it, it waits in memory until one does, and what survives is the intent.
    pub fn record(&self, of: Intent, event: &UsageEvent) {
        self.0.end(&of, Kind::Event, |out| event.write_json(out));
        self.0.telemetry.count(Count::SpoolRecorded, 1);
    }

    /// Writes down that a call was never made.
    pub fn withdraw(&self, of: Intent, request_id: RequestId) {
        self.0.end(&of, Kind::Void, |out| request_id.write_to(out));
    }

    /// Whether new work may start. Turns false while there is still room for calls under way.
    #[must_use]
    pub fn writable(&self) -> bool {
        let spool = &self.0;
        !spool.disk_failed.load(Ordering::Relaxed)
            && spool.promised() <= spool.bytes_max - spool.bytes_max / 10
    }

    /// Whether the backend has everything that earlier processes recorded in this folder.
    #[must_use]
    pub fn is_earlier_taken(&self) -> bool {
        !self.0.closed().iter().any(|segment| segment.writer.is_none())
    }

    /// Whether the backend has everything that was recorded in this folder, and no call is under way.
    #[must_use]
    pub fn is_all_taken(&self) -> bool {
        let taken = |segment: &Segment| segment.taken >= segment.written;
        let written =
            |place| self.0.writer(place).is_none_or(|w| w.open.as_ref().is_none_or(taken));
        self.depth().intents == 0
            // The disk was too full to wait for the backend.
            && !self.0.is_crowded()
            && self.0.closed().iter().all(taken)
            && (0..self.0.writers.len()).all(written)
    }

    #[must_use]
    pub fn depth(&self) -> Depth {
        Depth {
            events: self.0.events.load(Ordering::Relaxed),
            intents: self.0.intents.load(Ordering::Relaxed),
            bytes: self.0.bytes.load(Ordering::Relaxed),
        }
    }
}

impl Spool {
    /// What is on disk, and what calls under way may still add.
    fn promised(&self) -> u64 {
        let room = self.intents.load(Ordering::Relaxed).saturating_mul(EVENT_ROOM);
        self.bytes.load(Ordering::Relaxed).saturating_add(room)
    }

    pub(super) fn writer(&self, place: usize) -> Option<MutexGuard<'_, Writer>> {
        let writer = self.writers.get(place)?;
        Some(writer.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn intend(&self, intent: &UsageIntent) -> Result<Intent, SpoolFull> {
        if self.disk_failed.load(Ordering::Relaxed) {
            return Err(SpoolFull::Disk);
        }
        let place = slot() % self.writers.len().max(1);
        let mut guard = self.writer(place).ok_or(SpoolFull::Disk)?;
        let writer = &mut *guard;
        segment::encode(&mut writer.buffer, |out| {
            out.extend(Kind::Intent.letter());
            intent.write_json(out);
        });
        let length = segment::length(&writer.buffer) as u64;
        if self.promised().saturating_add(length + EVENT_ROOM) > self.bytes_max {
            return Err(SpoolFull::Limit);
        }
        // The reserve is for calls under way, not for new ones.
        let written =
            self.append(place, &mut writer.open, &mut writer.buffer).map_err(|error| {
                self.failed(&error);
                SpoolFull::Disk
            })?;
        self.intents.fetch_add(1, Ordering::Relaxed);
        Ok(Intent { writer: place, slot: writer.intents.add(written) })
    }

    fn intend_more(&self, of: &Intent, intent: &UsageIntent) {
        let Some(mut guard) = self.writer(of.writer) else { return };
        let writer = &mut *guard;
        segment::encode(&mut writer.buffer, |out| {
            out.extend(Kind::Intent.letter());
            intent.write_json(out);
        });
        match self.append(of.writer, &mut writer.open, &mut writer.buffer) {
            Ok(place) => writer.intents.is_now_at(of.slot, place),
            Err(error) => self.failed(&error),
        }
    }

    /// Writes the record that ends an intent.
    fn end(&self, of: &Intent, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) {
        let Some(mut guard) = self.writer(of.writer) else { return };
        let writer = &mut *guard;
        segment::encode(&mut writer.buffer, |out| {
            out.extend(kind.letter());
            write(out);
        });
        let mut written = self.append(of.writer, &mut writer.open, &mut writer.buffer);
        if let Err(error) = &written {
            self.failed(error);
            // What the reserve frees is for calls that were admitted before the disk was full.
            fs::remove_file(self.folder.join("ballast")).unwrap_or_default();
            written = self.append(of.writer, &mut writer.open, &mut writer.buffer);
        }
        match written {
            Ok(_) => self.ended(&mut writer.intents, of.slot, kind),
            Err(error) => {
                tracing::error!(%error, "a usage event waits in memory: its disk takes no writes");
                writer.waiting.push((of.slot, kind, writer.buffer.clone()));
            }
        }
    }

    fn ended(&self, intents: &mut Intents, slot: usize, kind: Kind) {
        intents.remove(slot);
        self.intents.fetch_sub(1, Ordering::Relaxed);
        self.events.fetch_add(u64::from(kind == Kind::Event), Ordering::Relaxed);
    }

    pub(super) fn failed(&self, error: &io::Error) {
        if !self.disk_failed.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the usage spool cannot be written");
        }
    }

    /// Writes down that what an earlier process began has ended, nobody knows how.
    fn end_all(&self, intents: &[Vec<u8>]) -> io::Result<()> {
        let mut buffer = Vec::new();
        let mut open = None;
        for intent in intents {
            segment::encode(&mut buffer, |out| {
                out.extend(Kind::Unsettled.letter());
                leftover::unsettled(out, intent, true);
            });
            self.append(0, &mut open, &mut buffer)?;
            self.events.fetch_add(1, Ordering::Relaxed);
        }
        self.telemetry.count(Count::SpoolUnsettled, intents.len() as u64);
        let mut closed = self.closed();
        closed.extend(open);
        // An earlier process', like the intents: freed after them.
        closed.iter_mut().for_each(|segment| segment.writer = None);
        Ok(())
    }

    /// Writes an encoded record; where it is.
    pub(super) fn append(
        &self,
        writer: usize,
        open: &mut Option<Segment>,
        record: &mut [u8],
    ) -> io::Result<Place> {
        let length = segment::length(record);
        if open.as_ref().is_some_and(|s| s.written.saturating_add(length as u64) > SEGMENT_MAX) {
            self.closed().extend(open.take());
        }
        let segment = match open {
            Some(segment) => segment,
            None => open.insert(self.create(writer)?),
        };
        segment::seal(record, segment.form);
        if let Err(error) = segment.file.write_all_at(record, segment.written) {
            // Take back what was half written; if even that fails, leave the file: its reader
            // stops at the torn place.
            if segment.file.set_len(segment.written).is_err() {
                self.closed().extend(open.take());
            }
            return Err(error);
        }
        let place = Place { segment: segment.number, at: segment.written, length };
        segment.written += length as u64;
        self.bytes.fetch_add(length as u64, Ordering::Relaxed);
        Ok(place)
    }

    fn create(&self, writer: usize) -> io::Result<Segment> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.folder.join(format!("{number:020}.{EXTENSION}"));
        let spare = self.spare().pop();
        let file = match spare.filter(|spare| fs::rename(&spare.path, &path).is_ok()) {
            Some(spare) => spare.file,
            None => {
                let mut options = OpenOptions::new();
                Arc::new(options.create_new(true).write(true).read(true).open(&path)?)
            }
        };
        Ok(Segment::new(number, file, path, Some(writer)))
    }

    /// Has no more need of a file: keeps it to be written again, deletes it, or puts it aside.
    pub(super) fn let_go(&self, segment: Segment) {
        self.bytes.fetch_sub(segment.written, Ordering::Relaxed);
        let gone = if segment.damaged {
            fs::rename(&segment.path, segment.path.with_extension("damaged"))
        } else {
            let mut spare = self.spare();
            let wanted = segment.writer.is_some() && spare.len() < SPARE_MAX * self.writers.len();
            if wanted && segment.file.write_all_at(&END, 0).is_ok() {
                return spare.push(segment);
            }
            fs::remove_file(&segment.path)
        };
        if let Err(error) = gone {
            tracing::error!(%error, path = %segment.path.display(), "a finished spool file stays");
        }
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Segment>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn make_ballast(&self) -> io::Result<()> {
        let path = self.folder.join("ballast");
        let length = BALLAST.saturating_mul(self.writers.len());
        if fs::metadata(&path).is_ok_and(|meta| meta.len() == length as u64) {
            return Ok(());
        }
        fs::write(&path, vec![0; length])
    }

    pub(super) fn closed(&self) -> MutexGuard<'_, VecDeque<Segment>> {
        self.closed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks whether a disk that failed takes writes again, and writes what waited for that.
    pub(super) fn mend(&self) {
        if !self.disk_failed.load(Ordering::Relaxed) || !self.write_waiting() {
            return;
        }
        if self.make_ballast().is_ok() {
            self.disk_failed.store(false, Ordering::Relaxed);
            tracing::info!("the usage spool can be written again");
        }
    }

    /// Whether everything that waited in memory is written.
    fn write_waiting(&self) -> bool {
        for place in 0..self.writers.len() {
            let Some(mut guard) = self.writer(place) else { continue };
            let writer = &mut *guard;
            while let Some((slot, kind, record)) = writer.waiting.last_mut() {
                if self.append(place, &mut writer.open, record).is_err() {
                    return false;
                }
                self.ended(&mut writer.intents, *slot, *kind);
                writer.waiting.pop();
            }
        }
        true
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

    /// Changes what is known of a file.
    fn change(&self, number: u64, change: impl Fn(&mut Segment)) {
        for writer in &self.writers {
            let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(open) = writer.open.as_mut().filter(|open| open.number == number) {
                change(open);
                return;
            }
        }
        if let Some(segment) = self.closed().iter_mut().find(|segment| segment.number == number) {
            change(segment);
        }
    }
}
