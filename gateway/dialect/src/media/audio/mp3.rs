//! MP3: the first frame says how many frames there are, or every frame is as long as the first.

use super::{Length, be, len};
use memchr::memchr_iter;

/// The highest rate of an MP3.
const KBIT_PER_S_MAX: u64 = 448;
/// How far the first frame may be from where it should be.
const SEARCHED: usize = 64 * 1_024;

/// One frame's header.
struct Frame {
    kbit_per_s: u64,
    rate: u64,
    samples: u64,
    bytes: usize,
    /// Where a first frame tells how many there are.
    count_at: usize,
}

const LAYERS: [[u64; 16]; 5] = [
    // MPEG 1: layers I, II, III; MPEG 2 and 2.5: layer I, layers II and III.
    [0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448, 0],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 0],
    [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0],
    [0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256, 0],
    [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0],
];

pub(super) fn mp3(file: &[u8]) -> Option<Length> {
    let audio = file.get(tag_bytes(file)..)?;
    let near = audio.get(..SEARCHED.min(audio.len()))?;
    let (frame, from) = memchr_iter(0xff, near).find_map(|at| {
        let rest = audio.get(at..)?;
        let frame = Frame::read(rest)?;
        // Two frames in a row, or one that is all there is.
        let next = rest.get(frame.bytes..)?;
        (next.is_empty() || Frame::read(next).is_some()).then_some((frame, rest))
    })?;
    match frame.count(from) {
        Some(frames) => {
            Length::of_samples(frames.saturating_mul(frame.samples), frame.rate, KBIT_PER_S_MAX)
        }
        None => {
            let ms = len(from).saturating_mul(8).checked_div(frame.kbit_per_s)?;
            Some(Length { ms, kbit_per_s_max: KBIT_PER_S_MAX })
        }
    }
}

/// Bytes of an ID3 tag before the sound.
fn tag_bytes(file: &[u8]) -> usize {
    let Some([b'I', b'D', b'3', _, _, flags, a, b, c, d]) = file.first_chunk::<10>() else {
        return 0;
    };
    let size = [a, b, c, d].iter().fold(0, |size, byte| size << 7 | usize::from(**byte & 0x7f));
    size + if flags & 0x10 == 0 { 10 } else { 20 }
}

impl Frame {
    fn read(at: &[u8]) -> Option<Self> {
        let head = be(at, 0, 4)?;
        let (version, layer) = (head >> 19 & 3, head >> 17 & 3);
        let first = version == 3;
        if head >> 21 != 0x7ff || version == 1 || layer == 0 {
            return None;
        }
        let row = match (first, layer) {
            (true, 3) => 0,
            (true, 2) => 1,
            (true, _) => 2,
            (false, 3) => 3,
            (false, _) => 4,
        };
        let kbit_per_s = *LAYERS.get(row)?.get(usize::try_from(head >> 12 & 15).ok()?)?;
        let rate = match head >> 10 & 3 {
            0 => 44_100,
            1 => 48_000,
            2 => 32_000,
            _ => return None,
        };
        let rate: u64 = rate >> [2, 0, 1, 0].get(usize::try_from(version).ok()?)?;
        let samples = match (layer, first) {
            (3, _) => 384,
            (1, false) => 576,
            _ => 1_152,
        };
        let slot = if layer == 3 { 4 } else { 1 };
        let padding = head >> 9 & 1;
        let bytes = (samples / slot / 8 * kbit_per_s * 1_000 / rate + padding) * slot;
        let mono = head >> 6 & 3 == 3;
        let count_at = match (first, mono) {
            (true, false) => 36,
            (false, true) => 13,
            _ => 21,
        };
        let bytes = usize::try_from(bytes).ok().filter(|_| kbit_per_s > 0)?;
        Some(Self { kbit_per_s, rate, samples, bytes, count_at })
    }

    /// How many frames the first one says there are.
    fn count(&self, from: &[u8]) -> Option<u64> {
        let tag = from.get(self.count_at..self.count_at + 4)?;
        if matches!(tag, b"Xing" | b"Info") && be(from, self.count_at + 4, 4)? & 1 == 1 {
            return be(from, self.count_at + 8, 4).filter(|frames| *frames > 0);
        }
        (from.get(36..40)? == b"VBRI").then(|| be(from, 50, 4)).flatten()
    }
}
