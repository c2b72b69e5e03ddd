//! A stream as reads cut it: anywhere, the same way for the same input.

use crate::Knobs;
use bytes::Bytes;

/// The text in pieces of changing lengths, from single bytes to nearly all of it. With no knobs:
/// whole.
pub fn pieces(knobs: Knobs, text: &[u8]) -> Vec<Bytes> {
    if knobs.0 == 0 {
        return vec![Bytes::copy_from_slice(text)];
    }
    let mut state = u64::from(knobs.0);
    let (mut rest, mut out) = (text, Vec::new());
    while !rest.is_empty() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963);
        // Bits from the middle: the low ones of such a sequence repeat soon.
        let bits = state >> 33;
        let most = if bits & 3 == 0 { 700 } else { u64::from(knobs.0 % 64) + 1 };
        let len = usize::try_from(bits / 4 % most + 1).unwrap_or(1).min(rest.len());
        let (piece, tail) = rest.split_at_checked(len).unwrap_or((rest, &[]));
        out.push(Bytes::copy_from_slice(piece));
        rest = tail;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_the_text_again_and_cut_it_in_every_way() {
        let text: Vec<u8> = (0..=255).cycle().take(3_000).collect();
        for knobs in 0..=255 {
            let pieces = pieces(Knobs(knobs), &text);
            assert_eq!(pieces.concat(), text);
            assert_eq!(pieces.len() == 1, knobs == 0);
        }
    }
}
