//! A small deterministic tokenizer. Not any vendor's: what matters is that the count reported as
//! usage is exactly the count of the text sent, so that metering can be checked against it.

/// Letters and digits that one token takes at most.
const RUN_MAX: usize = 4;

/// Splits a text into tokens: white space joins what follows it; then up to four letters or
/// digits, or one other character. Any whole number of leading tokens splits the same way again.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (token, tail) = rest.split_at_checked(token_len(rest)).unwrap_or((rest, ""));
        rest = tail;
        Some(token)
    })
}

/// Bytes of the first token of a text that is not empty.
fn token_len(text: &str) -> usize {
    let mut run = 0;
    for (at, c) in text.char_indices() {
        if c.is_alphanumeric() {
            if run == RUN_MAX {
                return at;
            }
            run += 1;
        } else if run > 0 {
            return at;
        } else if !c.is_whitespace() {
            return at + c.len_utf8();
        }
    }
    text.len()
}

/// Tokens of a text.
#[must_use]
pub fn count(text: &str) -> u64 {
    split(text).fold(0, |n, _| n + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_splits_into_runs_of_four_marks_and_leading_space() {
        let tokens: Vec<_> = split("Hello,  wörld 12345! ").collect();
        assert_eq!(tokens, ["Hell", "o", ",", "  wörl", "d", " 1234", "5", "!", " "]);
        assert_eq!(count(""), 0);
    }

    #[test]
    fn the_first_n_tokens_of_a_text_count_n() {
        let text = "A sentence, with 3 numbers: 1, 22, 333333 – and a dash.";
        let tokens: Vec<_> = split(text).collect();
        for n in 0..=tokens.len() {
            assert_eq!(count(&tokens[..n].concat()), n as u64);
        }
    }
}
