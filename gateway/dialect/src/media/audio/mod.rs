//! How long an audio file lasts, by what its header says: WAV, FLAC, Ogg (Opus, Vorbis, FLAC,
//! Speex), MP3, MP4 and WebM. Reads headers only, so that a file of any size costs microseconds.
//!
//! A header may lie to make a call cheap: no file is taken to be shorter than its bytes would last
//! at the highest rate that its format is used with.

mod boxed;
mod mp3;
mod ogg;
mod plain;

/// Bytes of a millisecond where nothing is known: 32 kbit/s, as speech is often sent.
const BYTES_PER_MS: u64 = 4;

/// How long a file lasts in milliseconds, by its header. `None`: it does not say.
#[must_use]
pub fn length_ms(file: &[u8]) -> Option<u64> {
    let found = match file {
        [b'R', b'I', b'F', b'F' | b'X', ..] | [b'R', b'F', b'6', b'4', ..] => plain::wav(file),
        [b'f', b'L', b'a', b'C', ..] => plain::flac(file),
        [b'O', b'g', b'g', b'S', ..] => ogg::ogg(file),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => boxed::webm(file),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => boxed::mp4(file),
        _ => mp3::mp3(file),
    }?;
    let least = len(file).saturating_mul(8).checked_div(found.kbit_per_s_max)?;
    (found.ms > 0).then(|| found.ms.max(least))
}

/// How long so many bytes are taken to last where no header tells.
#[must_use]
pub const fn assumed_ms(bytes: u64) -> u64 {
    bytes.div_ceil(BYTES_PER_MS)
}

/// What a header tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Length {
    ms: u64,
    /// The highest rate that such a file has, in bits of a millisecond.
    kbit_per_s_max: u64,
}

impl Length {
    /// So many samples at so many a second. `None`: the rate is zero.
    fn of_samples(samples: u64, rate: u64, kbit_per_s_max: u64) -> Option<Self> {
        let ms = samples.saturating_mul(1_000).checked_div(rate)?;
        Some(Self { ms, kbit_per_s_max: kbit_per_s_max.max(1) })
    }
}

fn len(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// A number of up to eight bytes, the highest first. `None`: the file ends before.
fn be(file: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let field = file.get(at..at.checked_add(bytes)?)?;
    Some(field.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

/// The same, the lowest first.
fn le(file: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let field = file.get(at..at.checked_add(bytes)?)?;
    Some(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn place(number: u64) -> Option<usize> {
    usize::try_from(number).ok()
}

#[cfg(test)]
mod tests;
