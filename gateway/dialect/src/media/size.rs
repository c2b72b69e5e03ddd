//! How many tokens a picture is, where a provider does not say.
//!
//! OpenAI's image models make 272, 1,056 or 4,160 tokens of 1,024 × 1,024 pixels, by quality; other
//! sizes in proportion. A picture that is given in is at most 1,097 tokens, and 6,144 more where it
//! is to be kept faithfully, which is assumed.

/// Tokens of one picture that is given in.
pub(super) const INPUT_TOKENS: u64 = 7_241;
/// Tokens of one unfinished picture of a stream.
pub(super) const PARTIAL_TOKENS: u64 = 100;
/// What a picture's tokens are counted for: 1,024 × 1,024 pixels.
const SQUARE: u64 = 1_024 * 1_024;
/// The size of a picture when its model chooses: the largest that it makes.
const AUTO: u64 = 1_536 * 1_024;
/// No side is longer.
const SIDE_MAX: u64 = 16_384;

/// Tokens of one picture made. What is not said is taken to be the most.
pub(super) fn output_tokens(size: Option<&str>, quality: Option<&str>) -> u64 {
    let square = match quality {
        Some("low") => 272,
        Some("medium" | "standard") => 1_056,
        _ => 4_160,
    };
    let side = |text: &str| text.parse::<u64>().ok().map(|side| side.min(SIDE_MAX));
    let pixels = size
        .and_then(|size| size.split_once('x'))
        .and_then(|(width, height)| side(width)?.checked_mul(side(height)?))
        .unwrap_or(AUTO);
    pixels.saturating_mul(square).div_ceil(SQUARE)
}

#[cfg(test)]
mod tests {
    use super::output_tokens;

    #[test]
    fn a_picture_has_the_tokens_that_its_vendor_publishes() {
        for (size, quality, tokens) in [
            ("1024x1024", "low", 272),
            ("1024x1024", "medium", 1_056),
            ("1024x1024", "high", 4_160),
            ("1024x1536", "low", 408),
            ("1536x1024", "medium", 1_584),
            ("1536x1024", "high", 6_240),
            ("auto", "auto", 6_240),
            ("99999999999999999999x1", "low", 408),
        ] {
            assert_eq!(output_tokens(Some(size), Some(quality)), tokens, "{size} {quality}");
        }
        assert_eq!(output_tokens(None, None), 6_240);
    }
}
