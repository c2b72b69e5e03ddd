//! The form of a spool file: records one after another, each `length (u32 LE) | CRC-32 (u32 LE) |
//! body`, and a length of zero. A body is a usage event's JSON, or a letter that says what else it
//! is, and that. A file is written again when it is through, and what it held before may stand behind
//! its end: a record's sum begins with the file's number, so none of that is taken for its own. A
//! reader trusts nothing: a torn or damaged place is reported, never shipped.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

pub const HEADER: usize = 8;
/// The length that ends a file. Written with each record, and over it the next one.
pub const END: [u8; 4] = [0; 4];
/// No event is near this long; a length beyond it is damage.
const RECORD_MAX: usize = 1 << 20;

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// As above, under a number.
    Numbered(u64),
    /// As releases before did: the sum is of the body alone, and records go on to the file's end.
    Plain,
}

impl Form {
    fn sum(self, body: &[u8]) -> u32 {
        let mut hasher = match self {
            // Numbers that are apart by 2^32 are never in one folder.
            Self::Numbered(number) => crc32fast::Hasher::new_with_initial(number as u32),
            Self::Plain => crc32fast::Hasher::new(),
        };
        hasher.update(body);
        hasher.finalize()
    }
}

/// What a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A call's use: JSON of a usage event.
    Event,
    /// A call that is about to be made: JSON of its intent.
    Intent,
    /// A call whose gateway died: JSON of its intent, and that it ended.
    Unsettled,
    /// A call that came to nothing before it was made: its request id.
    Void,
}

impl Kind {
    /// The letter before the body. An event has none: its JSON begins it.
    pub const fn letter(self) -> Option<u8> {
        match self {
            Self::Event => None,
            Self::Intent => Some(b'i'),
            Self::Unsettled => Some(b'u'),
            Self::Void => Some(b'v'),
        }
    }
}

/// A record's kind, and what stands after its letter.
pub fn open(body: &[u8]) -> (Kind, &[u8]) {
    let kinds = [Kind::Intent, Kind::Unsettled, Kind::Void];
    let kind = kinds.into_iter().find(|kind| kind.letter().as_ref() == body.first());
    kind.map_or((Kind::Event, body), |kind| (kind, body.get(1..).unwrap_or_default()))
}

/// The request that a record is about: its id as text, without what all ids begin with. Whatever
/// the record, that is the first id in it.
pub fn request(body: &[u8]) -> Option<[u8; 26]> {
    const PREFIX: &[u8] = b"req_";
    let at = memchr::memmem::find(body, PREFIX)? + PREFIX.len();
    body.get(at..)?.first_chunk().copied()
}

/// Replaces `buffer` by a record whose body `write` fills in, with the end after it. It belongs to no
/// file before it is [`seal`]ed.
pub fn encode(buffer: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    buffer.clear();
    buffer.extend_from_slice(&[0; HEADER]);
    write(buffer);
    buffer.extend_from_slice(&END);
}

/// The bytes of an encoded record without the end after it.
pub const fn length(record: &[u8]) -> usize {
    record.len().saturating_sub(END.len())
}

/// Makes an encoded record one of a file.
pub fn seal(record: &mut [u8], form: Form) {
    let end = length(record);
    let body = record.get(HEADER..end).unwrap_or_default();
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    let sum = form.sum(body).to_le_bytes();
    for (slot, byte) in record.iter_mut().zip(length.into_iter().chain(sum)) {
        *slot = byte;
    }
}

/// Records read from a part of a file.
#[derive(Debug, Default)]
pub struct Records {
    bytes: Vec<u8>,
    /// Where the body of each sound record lies.
    sound: Vec<Range<usize>>,
    /// Bytes of the file that were dealt with.
    pub consumed: u64,
    /// Whether something among them was not a sound record.
    pub damaged: bool,
    /// Whether the file ends behind them, though it is longer.
    pub ended: bool,
}

impl Records {
    /// The body of each sound record.
    pub fn bodies(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.sound.iter().map(|span| self.bytes.get(span.clone()).unwrap_or_default())
    }
}

/// A file, and how it is written.
pub type Written<'a> = (&'a File, Form);

/// Reads the records in `[from, to)`, as many as `bytes_max` hold, but at least one.
pub fn read(file: Written<'_>, from: u64, to: u64, bytes_max: usize) -> io::Result<Records> {
    let mut records = read_on(file, from, to, bytes_max)?;
    if records.ended {
        // Its owner knows better where it ends.
        records.damaged = true;
        records.consumed = to.saturating_sub(from);
    }
    Ok(records)
}

/// The same of a file of which only its length is known: `to`, or its end before that.
pub fn read_on(file: Written<'_>, from: u64, to: u64, bytes_max: usize) -> io::Result<Records> {
    let wanted = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let mut records = part(file, from, wanted, bytes_max)?;
    if records.consumed == 0 && !records.ended && wanted > bytes_max {
        records = part(file, from, wanted, HEADER + RECORD_MAX)?;
    }
    Ok(records)
}

fn part(
    (file, form): Written<'_>,
    from: u64,
    wanted: usize,
    bytes_max: usize,
) -> io::Result<Records> {
    let mut bytes = vec![0; wanted.min(bytes_max)];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, from + filled as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    // What ends here may go on in the file, unless the file is shorter than its owner believes.
    let more = filled == bytes.len() && filled < wanted;
    bytes.truncate(filled);
    let mut records = Records::default();
    let mut at = 0;
    while at < bytes.len() {
        match split(bytes.get(at..).unwrap_or_default(), form) {
            Split::Record { body, sound } => {
                let start = at + HEADER;
                at = start + body;
                if sound {
                    records.sound.push(start..at);
                } else {
                    records.damaged = true;
                }
            }
            Split::End => {
                records.ended = true;
                break;
            }
            Split::Cut if more => break,
            Split::Cut | Split::Nonsense => {
                // No way to find the next record: the rest is lost to us.
                records.damaged = true;
                at = wanted;
            }
        }
    }
    if !more && !records.ended && at < wanted {
        records.damaged = true;
        at = wanted;
    }
    records.consumed = at as u64;
    records.bytes = bytes;
    Ok(records)
}

/// What bytes begin with.
enum Split {
    /// A record with so many bytes of body.
    Record { body: usize, sound: bool },
    /// A record that goes on after the bytes.
    Cut,
    /// A length that no record has.
    Nonsense,
    /// The file's end.
    End,
}

fn split(bytes: &[u8], form: Form) -> Split {
    if form != Form::Plain && bytes.starts_with(&END) {
        return Split::End;
    }
    let Some((&[a, b, c, d, e, f, g, h], rest)) = bytes.split_first_chunk::<HEADER>() else {
        return Split::Cut;
    };
    let body = u32::from_le_bytes([a, b, c, d]) as usize;
    if body == 0 || body > RECORD_MAX {
        return Split::Nonsense;
    }
    match rest.get(..body) {
        Some(text) => {
            let sum = u32::from_le_bytes([e, f, g, h]);
            Split::Record { body, sound: form.sum(text) == sum }
        }
        None => Split::Cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FORM: Form = Form::Numbered(7);

    /// Writes `events` over what a file holds; where each ends.
    fn write(file: &File, form: Form, events: &[String]) -> Vec<usize> {
        let mut record = Vec::new();
        let mut ends = vec![0];
        for event in events {
            let at = *ends.last().unwrap();
            encode(&mut record, |out| serde_json::to_writer(out, event).unwrap());
            seal(&mut record, form);
            file.write_all_at(&record, at as u64).unwrap();
            ends.push(at + length(&record));
        }
        ends.split_off(1)
    }

    /// Everything in a file, read in parts shorter than some of its records; whether it is damaged.
    fn all(file: &File, form: Form) -> (Vec<Vec<u8>>, bool) {
        let length = file.metadata().unwrap().len();
        let (mut events, mut consumed, mut damaged) = (Vec::new(), 0, false);
        while consumed < length {
            let part = read_on((file, form), consumed, length, 32).unwrap();
            events.extend(part.bodies().map(<[u8]>::to_vec));
            consumed += part.consumed;
            damaged |= part.damaged;
            if part.ended {
                break;
            }
            assert!(part.consumed > 0);
        }
        (events, damaged)
    }

    fn bodies(events: &[String]) -> Vec<Vec<u8>> {
        events.iter().map(|event| serde_json::to_vec(event).unwrap()).collect()
    }

    #[test]
    fn a_record_says_what_it_is_and_which_request_it_is_about() {
        const ID: &str = "req_06cf000001o01000000000001o";
        for (kind, text) in [
            (Kind::Event, format!(r#"{{"request_id":"{ID}","org_id":"org_"}}"#)),
            (Kind::Intent, format!(r#"{{"request_id":"{ID}"}}"#)),
            (Kind::Unsettled, format!(r#"{{"intent":{{"request_id":"{ID}"}},"ended":true}}"#)),
            (Kind::Void, ID.to_owned()),
        ] {
            let body: Vec<u8> = kind.letter().into_iter().chain(text.bytes()).collect();
            assert_eq!(open(&body), (kind, text.as_bytes()));
            assert_eq!(request(&body).unwrap(), ID.as_bytes()[4..]);
        }
        assert_eq!((request(b"{}"), request(b"req_06cf")), (None, None));
    }

    proptest! {
        #[test]
        fn a_file_cut_anywhere_gives_every_record_before_the_cut(
            events in proptest::collection::vec("[a-z]{1,40}", 1..20), cut in 0_usize..2_000,
        ) {
            for form in [FORM, Form::Plain] {
                let file = tempfile::tempfile().unwrap();
                let ends = write(&file, form, &events);
                let cut = cut % (*ends.last().unwrap() + 1);
                file.set_len(cut as u64).unwrap();
                let whole = ends.iter().filter(|end| **end <= cut).count();
                let (read, damaged) = all(&file, form);
                prop_assert_eq!(read.len(), whole);
                prop_assert_eq!(damaged, cut != 0 && !ends.contains(&cut));
            }
        }

        #[test]
        fn of_a_file_that_is_written_again_only_the_new_records_are_read(
            before in proptest::collection::vec("[a-z]{1,40}", 1..20),
            events in proptest::collection::vec("[a-z]{1,40}", 1..20),
        ) {
            let file = tempfile::tempfile().unwrap();
            write(&file, Form::Numbered(6), &before);
            write(&file, FORM, &events);
            prop_assert_eq!(all(&file, FORM), (bodies(&events), false));
        }

        #[test]
        fn a_record_that_is_torn_over_older_ones_shows_none_of_them(
            before in proptest::collection::vec("[a-z]{1,40}", 1..20),
            events in proptest::collection::vec("[a-z]{1,40}", 2..20), torn in 1_usize..2_000,
        ) {
            let file = tempfile::tempfile().unwrap();
            write(&file, Form::Numbered(6), &before);
            let (last, whole) = events.split_last().unwrap();
            let end = *write(&file, FORM, whole).last().unwrap();
            // Of the last one, only so many bytes were written when its process was killed.
            let mut record = Vec::new();
            encode(&mut record, |out| serde_json::to_writer(out, last).unwrap());
            seal(&mut record, FORM);
            let torn = torn % length(&record);
            file.write_all_at(&record[..torn], end as u64).unwrap();
            // Where the older bytes happen to be just those that are missing, it is whole.
            let mut there = vec![0; length(&record)];
            let read = file.read_at(&mut there, end as u64).unwrap();
            let is_whole = there[..read] == record[..length(&record)];
            let shown = if is_whole { &events[..] } else { whole };
            prop_assert_eq!(all(&file, FORM).0, bodies(shown));
        }

        #[test]
        fn a_changed_byte_never_reaches_redis(
            events in proptest::collection::vec("[a-z]{1,40}", 1..20), at in 0_usize..2_000,
        ) {
            let file = tempfile::tempfile().unwrap();
            let ends = write(&file, FORM, &events);
            let at = at % ends.last().unwrap();
            let mut byte = [0];
            file.read_exact_at(&mut byte, at as u64).unwrap();
            file.write_all_at(&[byte[0] ^ 0x55], at as u64).unwrap();
            let sound = bodies(&events);
            let (read, damaged) = all(&file, FORM);
            prop_assert!(damaged);
            prop_assert!(read.iter().all(|event| sound.contains(event)));
            prop_assert!(read.len() < events.len());
        }
    }
}
