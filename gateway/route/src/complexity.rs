//! How hard a request looks, from 0 to 100, by what can be counted without reading it: enough to
//! send small talk to a small model, and no judgement of what is asked.

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Shape {
    pub input_tokens: u64,
    pub messages: u64,
    pub tools: u64,
    pub images: u64,
    pub is_structured: bool,
    pub is_reasoning: bool,
}

/// The score: 10 a doubling of the text from 64 tokens on, up to 60, and some for each thing that
/// small models are worse at. More of anything never scores less.
#[must_use]
pub fn score(shape: &Shape) -> i64 {
    let doublings = (shape.input_tokens / 64 + 1).ilog2().min(6);
    let counted = 10 * i64::from(doublings)
        + i64::try_from(shape.messages.saturating_sub(1).min(10)).unwrap_or(10)
        + if shape.tools > 0 { 15 } else { 0 }
        + i64::try_from(shape.tools.min(10)).unwrap_or(10)
        + if shape.images > 0 { 10 } else { 0 }
        + if shape.is_structured { 10 } else { 0 }
        + if shape.is_reasoning { 25 } else { 0 };
    counted.min(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_talk_is_easy_and_long_work_with_tools_is_hard() {
        let talk = Shape { input_tokens: 12, messages: 1, ..Shape::default() };
        let work = Shape { input_tokens: 40_000, messages: 30, tools: 12, ..Shape::default() };
        assert_eq!((score(&talk), score(&work)), (0, 95));
        let most = Shape { images: 3, is_structured: true, is_reasoning: true, ..work };
        assert_eq!(score(&most), 100);
    }

    #[test]
    fn more_of_anything_never_scores_less() {
        let mut last = 0;
        for tokens in (0..20_000).step_by(37) {
            let now = score(&Shape { input_tokens: tokens, ..Shape::default() });
            assert!(now >= last, "{tokens}");
            last = now;
        }
        let most = u64::MAX;
        let all = Shape { input_tokens: most, messages: most, tools: most, ..Shape::default() };
        assert_eq!(score(&all), 95);
    }
}
