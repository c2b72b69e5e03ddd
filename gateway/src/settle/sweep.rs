//! What becomes of files that are written: freed when nobody needs them, and looked through for
//! calls that run long.

use super::intent::{Intents, Place};
use super::leftover;
use super::segment::{self, END, HEADER};
use super::spool::{Segment, Spool, Writer};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::time::Duration;

/// Files of one thread that only calls under way hold; where there are more, what is said of those
/// calls is written down again, and the oldest is freed.
const HELD_MAX: usize = 4;

/// A call that has been under way for long.
#[derive(Debug)]
pub(super) struct Long {
    writer: usize,
    slot: usize,
    place: Place,
    /// What the backend is told.
    pub json: Vec<u8>,
}

/// Closed files of one thread that stay.
#[derive(Debug, Default)]
struct Kept {
    any: bool,
    /// Those from the oldest on that the backend has all of.
    held: usize,
}

impl Spool {
    /// Frees the files that are through: the backend has all of them, and every call that they
    /// tell of has ended. A thread's are freed in their order, so that no intent outlives its
    /// event.
    pub fn sweep(&self) {
        self.free(None, &Intents::default());
        for place in 0..self.writers.len() {
            let Some(mut guard) = self.writer(place) else { continue };
            let writer = &mut *guard;
            let kept = self.free(Some(place), &writer.intents);
            if kept.held > HELD_MAX {
                self.move_on(place, writer);
            }
            let Writer { open, intents, .. } = writer;
            let through =
                |open: &mut Segment| open.taken == open.written && !intents.is_any_in(open.number);
            if let Some(open) = open.take_if(|open| !kept.any && through(open)) {
                self.let_go(open);
            }
        }
    }

    /// Frees the oldest closed files of a thread, or of an earlier process.
    fn free(&self, writer: Option<usize>, intents: &Intents) -> Kept {
        let mut closed = self.closed();
        while let Some(at) = closed.iter().position(|segment| segment.writer == writer)
            && let Some(segment) = closed.get(at)
        {
            if segment.taken < segment.written || intents.is_any_in(segment.number) {
                break;
            }
            if let Some(segment) = closed.remove(at) {
                self.let_go(segment);
            }
        }
        let mut kept = closed.iter().filter(|segment| segment.writer == writer).peekable();
        Kept {
            any: kept.peek().is_some(),
            held: kept.take_while(|segment| segment.taken >= segment.written).count(),
        }
    }

    /// Writes the intents in a thread's oldest file down again.
    fn move_on(&self, place: usize, writer: &mut Writer) {
        let oldest = {
            let closed = self.closed();
            let oldest = closed.iter().find(|segment| segment.writer == Some(place));
            oldest.map(|segment| (segment.number, Arc::clone(&segment.file)))
        };
        let Some((number, file)) = oldest else { return };
        for (slot, from) in writer.intents.within(number) {
            let mut record = vec![0; from.length];
            let to = file.read_exact_at(&mut record, from.at).and_then(|()| {
                record.extend_from_slice(&END);
                self.append(place, &mut writer.open, &mut record)
            });
            match to {
                Ok(to) => writer.intents.is_now_at(slot, to),
                Err(error) => return self.failed(&error),
            }
        }
    }

    /// Calls that have been under way for `longer_than` and nobody was told of.
    pub fn long_open(&self, longer_than: Duration) -> Vec<Long> {
        let mut found = Vec::new();
        for place in 0..self.writers.len() {
            let Some(mut writer) = self.writer(place) else { continue };
            for (slot, at) in writer.intents.untold(longer_than) {
                found.extend(self.read_back(&writer, at).map(|record| {
                    let body = record.get(HEADER..).unwrap_or_default();
                    let mut json = Vec::with_capacity(body.len() + 32);
                    leftover::unsettled(&mut json, segment::open(body).1, false);
                    Long { writer: place, slot, place: at, json }
                }));
            }
        }
        found
    }

    fn read_back(&self, writer: &Writer, at: Place) -> Option<Vec<u8>> {
        let here = writer.open.as_ref().filter(|segment| segment.number == at.segment);
        let file = here.map(|segment| Arc::clone(&segment.file)).or_else(|| {
            let closed = self.closed();
            let segment = closed.iter().find(|segment| segment.number == at.segment)?;
            Some(Arc::clone(&segment.file))
        })?;
        let mut record = vec![0; at.length];
        file.read_exact_at(&mut record, at.at).ok().map(|()| record)
    }

    /// The backend was told of calls that are under way.
    pub fn told(&self, calls: &[Long]) {
        for call in calls {
            let Some(mut writer) = self.writer(call.writer) else { continue };
            writer.intents.is_told(call.slot, call.place);
        }
    }
}
