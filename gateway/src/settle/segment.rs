//! The form of a spool file: records one after another, each `length (u32 LE) | CRC-32 (u32 LE) |
//! JSON`. A reader trusts nothing: a torn or damaged place is reported, never shipped.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

const HEADER: usize = 8;
/// No event is near this long; a length beyond it is damage.
const RECORD_MAX: usize = 1 << 20;

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
    /// The JSON of each sound record.
    pub events: Vec<Vec<u8>>,
    /// Bytes of the file that were dealt with.
    pub consumed: u64,
    /// Whether something among them was not a sound record.
    pub damaged: bool,
}

/// Reads the records in `[from, to)`, stopping after about `bytes_max`.
pub fn read(file: &File, from: u64, to: u64, bytes_max: usize) -> io::Result<Records> {
    let wanted = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let mut bytes = vec![0; wanted.min(bytes_max.saturating_add(HEADER + RECORD_MAX))];
    let mut filled = 0;
    while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, from + filled as u64)? {
            0 => break,
            n => filled += n,
        }
    }
    // A file shorter than its owner believes: what is missing counts as damage below.
    bytes.truncate(filled);
    let mut records = Records::default();
    let mut at = 0;
    while at < wanted && at < bytes_max {
        match split(bytes.get(at..).unwrap_or_default()) {
            Some((body, length)) => {
                match body {
                    Some(body) => records.events.push(body.to_vec()),
                    None => records.damaged = true,
                }
                at += length;
            }
            None => {
                // No way to find the next record: the rest is lost to us.
                records.damaged = true;
                at = wanted;
            }
        }
    }
    records.consumed = at as u64;
    Ok(records)
}

/// The first record: its body unless the checksum is wrong, and its length in the file; `None`
/// when there is no whole record.
fn split(bytes: &[u8]) -> Option<(Option<&[u8]>, usize)> {
    let (header, rest) = bytes.split_at_checked(HEADER)?;
    let (length, sum) = header.split_at_checked(4)?;
    let length = u32::from_le_bytes(length.try_into().ok()?) as usize;
    let sum = u32::from_le_bytes(sum.try_into().ok()?);
    if length == 0 || length > RECORD_MAX {
        return None;
    }
    let body = rest.get(..length)?;
    Some(((crc32fast::hash(body) == sum).then_some(body), HEADER + length))
}

/// How many records a file holds, reading only their headers.
pub fn count(file: &File, length: u64) -> u64 {
    let (mut at, mut count) = (0_u64, 0);
    let mut header = [0; HEADER];
    while at < length && file.read_exact_at(&mut header, at).is_ok() {
        let [a, b, c, d, ..] = header;
        let body = u64::from(u32::from_le_bytes([a, b, c, d]));
        if body == 0 || body > RECORD_MAX as u64 {
            break;
        }
        at += HEADER as u64 + body;
        count += u64::from(at <= length);
    }
    count
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

    fn all(file: &File) -> Records {
        let length = file.metadata().unwrap().len();
        let mut whole = Records::default();
        while whole.consumed < length {
            let part = read(file, whole.consumed, length, 64).unwrap();
            whole.events.extend(part.events);
            whole.consumed += part.consumed;
            whole.damaged |= part.damaged;
        }
        whole
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
            let read = all(&file);
            prop_assert_eq!(read.events.len(), whole);
            prop_assert_eq!(read.damaged, cut != 0 && !ends.contains(&cut));
            prop_assert_eq!(count(&file, cut as u64), whole as u64);
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
            let read = all(&file);
            prop_assert!(read.damaged);
            prop_assert!(read.events.iter().all(|event| sound.contains(event)));
            prop_assert!(read.events.len() < events.len());
        }
    }
}
