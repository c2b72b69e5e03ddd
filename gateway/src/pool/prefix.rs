//! Which beginnings of prompts a replica has lately worked on. A prompt is cut into blocks, each of
//! which is known by the hash of all up to its end: a replica that knows the nth knows what stands
//! before it. What must stay true: bounded memory, whatever is asked.

use crate::fold::Folded;
use dialect::neutral::{Content, Part, Request};
use std::collections::HashSet;

/// Bytes of a block; what is left at a prompt's end is none.
pub const BLOCK_BYTES: usize = 256;
/// Blocks of a prompt that are looked at: 64 KiB of text.
const BLOCKS_MAX: usize = 256;
/// Blocks of each of the two generations that are remembered of a replica, 4 MiB of text in all.
const GENERATION: usize = 8_192;

/// Cuts a text that comes in parts.
#[derive(Debug)]
pub struct Blocks {
    chain: [u8; 32],
    part: Vec<u8>,
    hashes: Vec<u64>,
}

impl Blocks {
    /// Of a prompt for `model`: others have caches of their own.
    #[must_use]
    pub fn of(model: &str) -> Self {
        let chain = blake3::hash(model.as_bytes()).into();
        Self { chain, part: Vec::with_capacity(BLOCK_BYTES), hashes: Vec::new() }
    }

    /// Adds what stands next in the prompt.
    pub fn push(&mut self, mut text: &[u8]) {
        while !text.is_empty() && self.hashes.len() < BLOCKS_MAX {
            let room = BLOCK_BYTES - self.part.len();
            let (taken, rest) = text.split_at(room.min(text.len()));
            self.part.extend_from_slice(taken);
            text = rest;
            if self.part.len() == BLOCK_BYTES {
                self.close();
            }
        }
    }

    fn close(&mut self) {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&self.chain).update(&self.part);
        self.chain = hasher.finalize().into();
        let [a, b, c, d, e, f, g, h, ..] = self.chain;
        self.hashes.push(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
        self.part.clear();
    }

    /// The hash of each block.
    #[must_use]
    pub fn done(self) -> Box<[u64]> {
        self.hashes.into()
    }
}

/// The blocks of a conversation: its tools, then its turns, in the order in which a template puts
/// them. Of pictures and sounds, only that they are there.
#[must_use]
pub fn of_request(model: &str, request: &Request) -> Box<[u64]> {
    let mut blocks = Blocks::of(model);
    for tool in &request.tools {
        blocks.push(tool.name.as_bytes());
        blocks.push(tool.description.as_deref().unwrap_or_default().as_bytes());
    }
    for turn in &request.turns {
        blocks.push(format!("\0{:?}\0", turn.role).as_bytes());
        turn.parts.iter().for_each(|part| say(&mut blocks, part));
    }
    blocks.done()
}

fn say(blocks: &mut Blocks, part: &Part) {
    match &part.content {
        Content::Text { text, .. } | Content::Thinking(text) | Content::Refusal(text) => {
            blocks.push(text.as_bytes());
        }
        Content::ToolCall(call) => {
            blocks.push(call.name.as_bytes());
            blocks.push(call.input.as_bytes());
        }
        // Results hold texts and pictures, and no results.
        Content::ToolResult(result) => {
            for part in &result.parts {
                let text = if let Content::Text { text, .. } = &part.content { text } else { "\0" };
                blocks.push(text.as_bytes());
            }
        }
        _ => blocks.push(b"\0"),
    }
}

/// What one replica has lately worked on, the longest unused forgotten first, about: of two
/// generations, the elder is forgotten when the younger is full.
#[derive(Debug, Default)]
pub struct Prefixes {
    young: HashSet<u64, Folded>,
    old: HashSet<u64, Folded>,
}

impl Prefixes {
    /// How many blocks from its beginning on a prompt has in common with what is remembered.
    #[must_use]
    pub fn matched(&self, blocks: &[u64]) -> usize {
        let known = |block: &&u64| self.young.contains(*block) || self.old.contains(*block);
        blocks.iter().take_while(known).count()
    }

    /// The replica works on a prompt.
    pub fn add(&mut self, blocks: &[u64]) {
        for block in blocks {
            if self.young.insert(*block) && self.young.len() >= GENERATION {
                self.old = std::mem::take(&mut self.young);
            }
        }
    }

    /// It has lost what it had.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn blocks(text: &[u8]) -> Box<[u64]> {
        let mut blocks = Blocks::of("m");
        blocks.push(text);
        blocks.done()
    }

    #[test]
    fn prompts_match_as_far_as_they_are_the_same_from_their_beginning() {
        let system = vec![b's'; 4 * BLOCK_BYTES];
        let (one, two) =
            ([&system[..], &[b'1'; 600]].concat(), [&system[..], &[b'2'; 900]].concat());
        let mut known = Prefixes::default();
        known.add(&blocks(&one));
        assert_eq!(blocks(&one).len(), 6, "what is left at the end is no block");
        assert_eq!(known.matched(&blocks(&one)), 6);
        assert_eq!(known.matched(&blocks(&two)), 4);
        assert_eq!(known.matched(&blocks(&[b'1'; 600])), 0, "the same text elsewhere is not");
        assert_eq!(known.matched(&[]), 0);
        let mut other = Blocks::of("another model");
        other.push(&one);
        assert_eq!(known.matched(&other.done()), 0);
        known.clear();
        assert_eq!(known.matched(&blocks(&one)), 0);
    }

    #[test]
    fn memory_is_bounded_and_what_is_used_stays() {
        let mut known = Prefixes::default();
        let kept = [1_u64, 2, 3];
        for n in 0..100_000 {
            known.add(&[10_000 + n]);
            known.add(&kept);
        }
        assert_eq!(known.matched(&kept), 3);
        assert_eq!(known.matched(&[10_000]), 0);
        assert!(known.young.len() + known.old.len() <= 2 * GENERATION);
        assert_eq!(blocks(&vec![7; 10 << 20]).len(), BLOCKS_MAX);
    }

    proptest! {
        #[test]
        fn blocks_are_the_same_however_the_text_comes(
            text in prop::collection::vec(any::<u8>(), 0..2_000),
            cuts in prop::collection::vec(1..500_usize, 1..20),
        ) {
            let mut parts = Blocks::of("m");
            let (mut rest, mut cuts) = (&text[..], cuts.into_iter().cycle());
            while !rest.is_empty() {
                let (part, left) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                parts.push(part);
                rest = left;
            }
            prop_assert_eq!(parts.done(), blocks(&text));
        }
    }
}
