//! WAV and FLAC: samples, and how many a second.

use super::{Length, be, le, len, place};

/// RIFF: chunks, of which `fmt ` says what a sample is and `data` holds them. Numbers of one that
/// is written as it is recorded are zero or all ones.
pub(super) fn wav(file: &[u8]) -> Option<Length> {
    if file.get(8..12)? != b"WAVE" {
        return None;
    }
    let mut at = 12_usize;
    let mut bytes_per_s = None;
    loop {
        let (kind, size) = (file.get(at..at.checked_add(4)?)?, le(file, at.checked_add(4)?, 4)?);
        let body = at.checked_add(8)?;
        match kind {
            b"fmt " => {
                let (codec, channels) = (le(file, body, 2)?, le(file, body + 2, 2)?);
                let (rate, told) = (le(file, body + 4, 4)?, le(file, body + 8, 4)?);
                let bits = le(file, body + 14, 2)?;
                // Of plain samples the rate follows from what they are; of others it is told.
                let plain = matches!(codec, 1 | 3 | 0xfffe) && bits > 0;
                let product = rate.saturating_mul(channels).saturating_mul(bits);
                bytes_per_s = Some(if plain { product / 8 } else { told });
            }
            b"data" => {
                let bytes_per_s = bytes_per_s?;
                let there = len(file.get(body..)?);
                let bytes = if matches!(size, 0 | 0xffff_ffff) { there } else { size.min(there) };
                return Length::of_samples(bytes, bytes_per_s, bytes_per_s / 125 + 1);
            }
            _ => {}
        }
        // Chunks begin at even places.
        at = body.checked_add(place(size)?)?.checked_add(place(size & 1)?)?;
    }
}

/// FLAC: its first block tells samples, rate, channels and bits. Samples are zero where its writer
/// did not know them.
pub(super) fn flac(file: &[u8]) -> Option<Length> {
    // `fLaC`, then the header of the block.
    stream_info(file.get(8..)?)
}

/// The block that a FLAC stream begins with.
pub(super) fn stream_info(block: &[u8]) -> Option<Length> {
    let packed = be(block, 10, 8)?;
    let (rate, channels) = (packed >> 44, (packed >> 41 & 7) + 1);
    let (bits, samples) = ((packed >> 36 & 31) + 1, packed & 0xf_ffff_ffff);
    // What does not get smaller is stored as it is.
    Length::of_samples(samples, rate, rate * channels * bits / 1_000 + 1)
}
