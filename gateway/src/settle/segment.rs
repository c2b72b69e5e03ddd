//! The form of a spool file: records one after another, each `length (u32 LE) | CRC-32 (u32 LE) |
//! body`. A body is a usage event's JSON, or a letter that says what else it is, and that. A reader
//! trusts nothing: a torn or damaged place is reported, never shipped.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

pub const HEADER: usize = 8;
/// No event is near this long; a length beyond it is damage.
const RECORD_MAX: usize = 1 << 20;

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

/// Replaces `buffer` by the record that `write` fills in.
pub fn encode(buffer: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    buffer.clear();
    buffer.extend_from_slice(&[0; HEADER]);
    write(buffer);
    let body = buffer.get(HEADER..).unwrap_or_default();
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes();
    let sum = crc32fast::hash(body).to_le_bytes();
    for (slot, byte) in buffer.iter_mut().zip(length.into_iter().chain(sum)) {
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
}

impl Records {
    /// The body of each sound record.
    pub fn bodies(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.sound.iter().map(|span| self.bytes.get(span.clone()).unwrap_or_default())
    }
}

/// Reads the records in `[from, to)`, as many as `bytes_max` hold, but at least one.
pub fn read(file: &File, from: u64, to: u64, bytes_max: usize) -> io::Result<Records> {
    let wanted = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let mut records = part(file, from, wanted, bytes_max)?;
    if records.consumed == 0 && wanted > bytes_max {
        records = part(file, from, wanted, HEADER + RECORD_MAX)?;
    }
    Ok(records)
}

fn part(file: &File, from: u64, wanted: usize, bytes_max: usize) -> io::Result<Records> {
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
        match split(bytes.get(at..).unwrap_or_default()) {
            Split::Record { body, sound } => {
                let start = at + HEADER;
                at = start + body;
                if sound {
                    records.sound.push(start..at);
                } else {
                    records.damaged = true;
                }
            }
            Split::Cut if more => break,
            Split::Cut | Split::Nonsense => {
                // No way to find the next record: the rest is lost to us.
                records.damaged = true;
                at = wanted;
            }
        }
    }
    if !more && at < wanted {
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
}

fn split(bytes: &[u8]) -> Split {
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
            Split::Record { body, sound: crc32fast::hash(text) == sum }
        }
        None => Split::Cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Write as _;

    fn file_of(events: &[String]) -> (File, Vec<usize>) {
        let mut file = tempfile::tempfile().unwrap();
        let mut buffer = Vec::new();
        let mut ends = Vec::new();
        for event in events {
            encode(&mut buffer, |out| serde_json::to_writer(out, event).unwrap());
            file.write_all(&buffer).unwrap();
            ends.push(ends.last().unwrap_or(&0) + buffer.len());
        }
        (file, ends)
    }

    /// Everything in a file, read in parts shorter than some of its records; whether it is damaged.
    fn all(file: &File) -> (Vec<Vec<u8>>, bool) {
        let length = file.metadata().unwrap().len();
        let (mut events, mut consumed, mut damaged) = (Vec::new(), 0, false);
        while consumed < length {
            let part = read(file, consumed, length, 32).unwrap();
            assert!(part.consumed > 0);
            events.extend(part.bodies().map(<[u8]>::to_vec));
            consumed += part.consumed;
            damaged |= part.damaged;
        }
        (events, damaged)
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
            let (file, ends) = file_of(&events);
            let length = *ends.last().unwrap();
            let cut = cut % (length + 1);
            file.set_len(cut as u64).unwrap();
            let whole = ends.iter().filter(|end| **end <= cut).count();
            let (read, damaged) = all(&file);
            prop_assert_eq!(read.len(), whole);
            prop_assert_eq!(damaged, cut != 0 && !ends.contains(&cut));
        }

        #[test]
        fn a_changed_byte_never_reaches_redis(
            events in proptest::collection::vec("[a-z]{1,40}", 1..20), at in 0_usize..2_000,
        ) {
            let (file, ends) = file_of(&events);
            let at = at % ends.last().unwrap();
            let mut byte = [0];
            file.read_exact_at(&mut byte, at as u64).unwrap();
            file.write_all_at(&[byte[0] ^ 0x55], at as u64).unwrap();
            let sound: Vec<Vec<u8>> =
                events.iter().map(|event| serde_json::to_vec(event).unwrap()).collect();
            let (read, damaged) = all(&file);
            prop_assert!(damaged);
            prop_assert!(read.iter().all(|event| sound.contains(event)));
            prop_assert!(read.len() < events.len());
        }
    }
}
