//! Ogg: the first page says what is in it, the last one how many samples have passed.

use super::{Length, be, le, plain};
use memchr::memmem;

/// Beyond this no codec for sound goes.
const KBIT_PER_S_MAX: u64 = 1_024;
/// Pages from the end that may end no packet.
const LAST_PAGES: usize = 64;

pub(super) fn ogg(file: &[u8]) -> Option<Length> {
    let segments = usize::from(*file.get(26)?);
    let first = file.get(27 + segments..)?;
    let (rate, skipped, kbit) = match first {
        // Opus counts at 48 kHz, whatever it was recorded at.
        [b'O', b'p', b'u', b's', b'H', b'e', b'a', b'd', ..] => {
            (48_000, le(first, 10, 2)?, KBIT_PER_S_MAX)
        }
        [1, b'v', b'o', b'r', b'b', b'i', b's', ..] => (le(first, 12, 4)?, 0, KBIT_PER_S_MAX),
        [0x7f, b'F', b'L', b'A', b'C', ..] => {
            let info = first.get(17..)?;
            (be(info, 10, 4)? >> 12, 0, plain::stream_info(info)?.kbit_per_s_max)
        }
        [b'S', b'p', b'e', b'e', b'x', b' ', b' ', b' ', ..] => {
            (le(first, 36, 4)?, 0, KBIT_PER_S_MAX)
        }
        _ => return None,
    };
    let granules = memmem::rfind_iter(file, b"OggS")
        .take(LAST_PAGES)
        .filter_map(|at| le(file, at.checked_add(6)?, 8));
    let samples =
        granules.filter(|granule| *granule < u64::MAX >> 1).find(|granule| *granule > 0)?;
    Length::of_samples(samples.saturating_sub(skipped), rate, kbit)
}
