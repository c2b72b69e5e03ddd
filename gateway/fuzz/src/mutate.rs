//! Inputs made of seeds: what is nearly right is where readers go wrong. The same seeds and the
//! same number give the same inputs, for ever: nothing here may depend on a version of anything.

/// What breaks readers of JSON, of its numbers and texts, and of streams.
const WORDS: [&[u8]; 40] = [
    b"null",
    b"true",
    b"0",
    b"-1",
    b"1e999",
    b"1e-999",
    b"-0.0",
    b"18446744073709551615",
    b"18446744073709551616",
    b"9223372036854775808",
    b"4294967296",
    b"0.1",
    b"\"\"",
    b"\"\\ud800\"",
    b"\"\\udc00\\ud800\"",
    b"\"\\u0000\"",
    b"\\u0022",
    b"\"data:image/png;base64,\"",
    b"\"data:;base64,!\"",
    b"\xed\xa0\x80",
    b"\xff",
    b"\xef\xbb\xbf",
    b"\xf0\x9f\xa6",
    b"{}",
    b"[]",
    b"[[",
    b"}",
    b"]",
    b",",
    b":",
    b"\"type\":",
    b"\"text\":",
    b"\"role\":",
    b"\"index\":",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"data: ",
    b"event: ",
    b"data: [DONE]\n\n",
];

/// How long an input may grow.
const MAX: usize = 16 * 1_024;

/// A sequence that only looks like chance.
#[derive(Debug, Clone, Copy)]
pub struct Sequence(pub u64);

impl Sequence {
    /// One of so many.
    pub fn below(&mut self, of: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let of = u64::try_from(of).unwrap_or(u64::MAX).max(1);
        usize::try_from(mixed % of).unwrap_or_default()
    }

    fn item<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> Option<&'a T> {
        of.get(self.below(of.len())).copied()
    }
}

/// One of the seeds, changed in a few places.
#[must_use]
pub fn mutated(seeds: &[Vec<u8>], chance: &mut Sequence) -> Vec<u8> {
    let all: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
    let mut input = chance.item(&all).unwrap_or_default().to_vec();
    if let Some(knobs) = input.first_mut() {
        *knobs = u8::try_from(chance.below(256)).unwrap_or_default();
    }
    for _ in 0..=chance.below(4) {
        let other = chance.item(&all).unwrap_or_default();
        change(&mut input, other, chance);
    }
    input.truncate(MAX);
    input
}

fn change(input: &mut Vec<u8>, other: &[u8], chance: &mut Sequence) {
    let at = chance.below(input.len() + 1);
    let here = at..(at + chance.below(24)).min(input.len());
    let word = chance.item(&WORDS).unwrap_or_default().to_vec();
    match chance.below(8) {
        0 => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << chance.below(8);
            }
        }
        1 => drop(input.drain(here)),
        2 => drop(input.splice(here, word)),
        3 => drop(input.splice(at..at, word)),
        4 => {
            let again = input.get(here).unwrap_or_default().to_vec();
            drop(input.splice(at..at, again));
        }
        5 => {
            let from = chance.below(other.len() + 1);
            let piece = other.get(from..).unwrap_or_default();
            let piece = piece.get(..chance.below(piece.len().min(400) + 1)).unwrap_or_default();
            drop(input.splice(at..at, piece.iter().copied()));
        }
        6 => value(input, at, &word),
        _ => input.truncate(at),
    }
}

/// Puts a word in place of the JSON scalar that begins after the next colon or comma.
fn value(input: &mut Vec<u8>, at: usize, word: &[u8]) {
    let rest = input.get(at..).unwrap_or_default();
    let Some(start) = rest.iter().position(|b| matches!(b, b':' | b',' | b'[')) else { return };
    let start = at + start + 1;
    let rest = input.get(start..).unwrap_or_default();
    let len = rest.iter().position(|b| matches!(b, b',' | b'}' | b']')).unwrap_or(rest.len());
    drop(input.splice(start..start + len, word.iter().copied()));
}
