//! Embeddings: a unit vector made of hashes of each text's words, so that the same text always gets the
//! same vector and texts that share words are alike, which is all that is meant by it. And a score of likeness for reranking: the share of
//! the query's words that a text holds.

use crate::node::{Invalid, Node};
use std::collections::HashSet;

const DIMENSIONS: usize = 256;
const DIMENSIONS_MAX: u64 = 4096;
pub(crate) const INPUTS_MAX: usize = 2048;

/// Dimensions as asked for.
pub(crate) fn dimensions(asked: Option<Node<'_>>) -> Result<usize, Invalid> {
    let Some(asked) = asked else { return Ok(DIMENSIONS) };
    match asked.number()? {
        n @ 1..=DIMENSIONS_MAX => Ok(usize::try_from(n).unwrap_or(DIMENSIONS)),
        _ => Err(asked.wrong(&format!("from 1 to {DIMENSIONS_MAX}"))),
    }
}

/// FNV-1a.
pub(crate) fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A unit vector: the sum of one for each word of the text, up to case; of what has no words, the one
/// of its bytes.
pub(crate) fn vector(bytes: &[u8], dimensions: usize) -> Vec<f32> {
    let text = String::from_utf8_lossy(bytes);
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let mut seeds: Vec<u64> = words.map(|word| fnv(word.to_lowercase().as_bytes())).collect();
    if seeds.is_empty() {
        seeds.push(fnv(bytes));
    }
    let mut raw = vec![0.0_f32; dimensions];
    for mut state in seeds {
        for number in &mut raw {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let [.., high, low] = (state >> 32).to_be_bytes();
            *number += f32::from(i16::from_be_bytes([high, low])) / 32_768.0;
        }
    }
    let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    raw.into_iter().map(|x| x / length).collect()
}

/// The share of the query's words, up to case, that stand in `text`: 0 to 1.
pub(crate) fn likeness(query: &str, text: &str) -> f64 {
    let words = |text: &str| -> HashSet<String> {
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect()
    };
    let (wanted, held) = (words(query), words(text));
    let shared = u32::try_from(wanted.intersection(&held).count()).unwrap_or(u32::MAX);
    let all = u32::try_from(wanted.len()).unwrap_or(u32::MAX).max(1);
    f64::from(shared) / f64::from(all)
}

/// The indices of `texts` with their scores, best first; ties stay in order. At most `most`.
pub(crate) fn ranked(query: &str, texts: &[&str], most: Option<u64>) -> Vec<(usize, f64)> {
    let score = |(index, text): (usize, &&str)| (index, likeness(query, text));
    let mut ranked: Vec<_> = texts.iter().enumerate().map(score).collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
    ranked.truncate(most.and_then(|n| usize::try_from(n).ok()).unwrap_or(usize::MAX));
    ranked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_has_unit_length_and_depends_on_the_text_alone() {
        let (a, b) = (vector(b"a text", 256), vector(b"another", 256));
        assert_eq!(a, vector(b"a text", 256));
        assert_ne!(a, b);
        assert!((a.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }

    #[test]
    fn texts_that_share_words_are_alike_and_others_are_not() {
        let of = |text: &str| vector(text.as_bytes(), 256);
        let cosine = |one: &str, other: &str| -> f32 {
            of(one).iter().zip(of(other)).map(|(a, b)| a * b).sum()
        };
        assert!(cosine("How far is the moon from here", "how far is the moon from Earth") > 0.75);
        assert!(cosine("how far is the moon", "who wrote this song") < 0.4);
    }

    #[test]
    fn the_text_that_holds_more_of_the_query_ranks_first() {
        let texts = ["Oslo is cold", "the weather in Paris", "weather"];
        let order = |most| ranked("weather Paris", &texts, most);
        assert_eq!(order(None), [(1, 1.0), (2, 0.5), (0, 0.0)]);
        assert_eq!(order(Some(1)), [(1, 1.0)]);
    }
}
