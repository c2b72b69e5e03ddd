//! MP4 and WebM: boxes in boxes, one of which tells the length.

use super::{Length, be, len, place};

/// Such files may hold pictures too, which take most of their bytes.
const KBIT_PER_S_MAX: u64 = 10_000;
/// Boxes that are looked at.
const BOXES_MAX: usize = 4_096;

/// MP4 and M4A: `mvhd` in `moov`, wherever that is.
pub(super) fn mp4(file: &[u8]) -> Option<Length> {
    let head = find(find(file, b"moov")?, b"mvhd")?;
    let wide = *head.first()? == 1;
    let (scale, length) = if wide {
        (be(head, 20, 4)?, be(head, 24, 8)?)
    } else {
        (be(head, 12, 4)?, be(head, 16, 4)?)
    };
    // All ones: not known.
    let known = length < if wide { u64::MAX } else { u64::from(u32::MAX) };
    known.then(|| Length::of_samples(length, scale, KBIT_PER_S_MAX)).flatten()
}

/// What is in the first box of a kind.
fn find<'a>(mut boxes: &'a [u8], kind: &[u8; 4]) -> Option<&'a [u8]> {
    for _ in 0..BOXES_MAX {
        let (size, head) = match be(boxes, 0, 4)? {
            0 => (len(boxes), 8),
            1 => (be(boxes, 8, 8)?, 16),
            size => (size, 8),
        };
        let end = place(size)?.min(boxes.len());
        let within = boxes.get(head..end)?;
        if boxes.get(4..8)? == kind {
            return Some(within);
        }
        boxes = boxes.get(end..)?;
    }
    None
}

/// WebM and Matroska: `Duration` in `Info` in `Segment`. What a browser records has none.
pub(super) fn webm(file: &[u8]) -> Option<Length> {
    let segment = element(file, 0x1853_8067)?;
    let info = element(segment, 0x1549_a966)?;
    // Nanoseconds of one tick.
    let scale =
        element(info, 0x2a_d7b1).map_or(Some(1_000_000), |raw| be(raw, 0, raw.len().min(8)))?;
    let raw = element(info, 0x4489)?;
    let ticks = match raw.len() {
        4 => f64::from(f32::from_be_bytes(*raw.first_chunk()?)),
        8 => f64::from_be_bytes(*raw.first_chunk()?),
        _ => return None,
    };
    // A length and no money: rounding it to a tick changes nothing that is charged.
    if !(1.0..1e15).contains(&ticks) {
        return None;
    }
    let ticks: u64 = format!("{ticks:.0}").parse().ok()?;
    Some(Length { ms: ticks.checked_mul(scale)? / 1_000_000, kbit_per_s_max: KBIT_PER_S_MAX })
}

/// What is in the first element of that id.
fn element(mut elements: &[u8], wanted: u64) -> Option<&[u8]> {
    for _ in 0..BOXES_MAX {
        let (id, id_bytes) = number(elements, false)?;
        let (size, size_bytes) = number(elements.get(id_bytes..)?, true)?;
        let body = elements.get(id_bytes + size_bytes..)?;
        // All ones: it ends where what it is in ends.
        let unknown = size == (1 << (7 * size_bytes)) - 1;
        let end = if unknown { body.len() } else { place(size)?.min(body.len()) };
        if id == wanted {
            return body.get(..end);
        }
        elements = body.get(end..)?;
    }
    None
}

/// A number whose first bits tell its length, which an id keeps and a size does not.
fn number(text: &[u8], is_size: bool) -> Option<(u64, usize)> {
    let bytes = usize::try_from(text.first()?.leading_zeros()).ok()? + 1;
    let number = (bytes <= 8).then(|| be(text, 0, bytes)).flatten()?;
    Some((if is_size { number & !(1 << (7 * bytes)) } else { number }, bytes))
}
